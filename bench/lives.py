"""Makes complete lives of disputes as journal events.

The hub's own lifecycle makes them from a scenario's records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from bench.machine import ROOT
from dispute.contracts.codec import command_from_wire, event_to_wire
from dispute.lifecycle import (
    OPEN,
    Accept,
    Actor,
    Agree,
    BeginScreening,
    Channel,
    Clarity,
    Command,
    Dimensions,
    Dispatch,
    Dispute,
    Event,
    Fail,
    FailureReason,
    Instruction,
    Limit,
    Reclassify,
    RefuseMediation,
    Regime,
    Register,
    ReturnToSource,
    Role,
    Sign,
    decide,
    dispute_id_of,
    evolve,
)
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refusal
from ops.play.scenarios.generate import generate
from ops.play.scenarios.journeys import Step, journey
from ops.play.scenarios.load import load
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Fate
from ops.play.simulators.mediators import command_of

SCENARIO: Final = ROOT / "scenarios" / "shandan-2024.yaml"
RULES: Final = "screening-2026.1"
TERM: Final = timedelta(days=30)
LOCAL_DAYS, STATUTORY_DAYS = timedelta(days=15), timedelta(days=60)
SIGN_WITHIN: Final = timedelta(days=3)
CORRECTED: Final = 50
"""One life in `CORRECTED` is moved to another village at its end, which restates every fact that was counted."""

Life = tuple[journal_pb2.JournalEvent, ...]


def pool(path: Path = SCENARIO) -> tuple[Life, ...]:
    """Return the life of every record of a scenario.

    It is the same for the same file.
    """
    scenario = load(path)
    return tuple(_life(record, scenario) for record in generate(scenario))


def _life(record: Record, scenario: Scenario) -> Life:
    dispute: Dispute | None = None
    events: list[Event] = []
    for number, (at, actor, order) in enumerate(_orders(record, scenario), start=1):
        command = Command(f"{record.number}-{number}", _id_of(record), actor, at, order)
        dispute, made = _judged(dispute, command)
        events += made
    if dispute is not None and record.number % CORRECTED == 0 and dispute.state in OPEN:
        order = Reclassify(village_code=f"{record.town}002", reason_code="wrong_division")
        command = Command(f"{record.number}-0", _id_of(record), _SYSTEM, events[-1].occurred_at, order)
        events += _judged(dispute, command)[1]
    return tuple(event_to_wire(event, event.occurred_at) for event in events)


def _judged(dispute: Dispute | None, command: Command) -> tuple[Dispute | None, tuple[Event, ...]]:
    match command.instruction:
        case Sign() as sign:
            command = replace(command, instruction=replace(sign, due_on=(command.occurred_at + TERM).date()))
        case Dispatch() as dispatch:
            limit = command.occurred_at + SIGN_WITHIN
            command = replace(command, instruction=replace(dispatch, sign_by=limit))
        case Agree(confirmable=True) as agree:
            last = (command.occurred_at + TERM).date()
            command = replace(command, instruction=replace(agree, confirm_by=last), limit=Limit(last))
        case _:
            pass
    made = decide(dispute, command)
    if isinstance(made, Refusal):
        raise made.error()
    for event in made:
        dispute = evolve(dispute, event)
    return dispute, made


_SYSTEM: Final = Actor(Role.SYSTEM, "intake")
Order = tuple[datetime, Actor, Instruction]


def _orders(record: Record, scenario: Scenario) -> Iterator[Order]:
    at = record.handed_over_at
    yield at, _SYSTEM, _registration(record)
    yield at, _SYSTEM, BeginScreening()
    if not record.acceptable:
        yield at, _SYSTEM, RefuseMediation("consent_refused", "001-19", RULES)
        yield at, _SYSTEM, ReturnToSource(target=Channel(str(record.channel)))
        return
    clarity = (Clarity(record.facts.relation), Clarity(record.facts.facts))
    yield at, _SYSTEM, Accept(*clarity, consent_of_all=True, rule_version=RULES, clause="001-19")
    signed_at = at
    expires = record.ending.fate is Fate.EXPIRED
    for step in journey(record, scenario).steps:
        if step.action == "return_to_source" and expires:
            expires = False
            yield _expiry(signed_at)
        if step.action == "sign":
            signed_at = step.at
        yield _order_of(record, step)
    if expires:
        yield _expiry(signed_at)


def _expiry(signed_at: datetime) -> Order:
    return signed_at + TERM + timedelta(days=1), _SYSTEM, Fail(FailureReason.TERM_EXPIRED)


def _order_of(record: Record, step: Step) -> Order:
    # A ruling that a court reports to its bridge reaches the dispute under the instruction's own name.
    named = dataclasses.replace(step, action="record_ruling") if step.action == "ruling" else step
    given = command_of(_id_of(record), named)
    given.actor.role, given.actor.actor_id = step.role, f"{step.role}-1"
    command = command_from_wire(given)
    return command.occurred_at, command.actor, command.instruction


def _id_of(record: Record) -> str:
    return dispute_id_of(record.agency, record.ref)


def _registration(record: Record) -> Register:
    channel = Channel(str(record.channel))
    of_petition = channel is Channel.PETITION
    return Register(
        dimensions=Dimensions(
            channel=channel,
            source_organ=record.agency,
            county_code=record.county,
            town_code=record.town,
            village_code=f"{record.town}001",
            category=record.category,
            regime=Regime.A if channel is Channel.COURT else Regime.NONE,
        ),
        received_on=record.received_on,
        source_ref=record.ref,
        agency=record.agency,
        amount_fen=record.amount_fen,
        local_due_on=record.received_on + LOCAL_DAYS if of_petition else None,
        statutory_due_on=record.received_on + STATUTORY_DAYS if of_petition else None,
    )
