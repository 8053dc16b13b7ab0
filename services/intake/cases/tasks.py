"""Makes tasks of hand-offs, submissions, commands and timers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid5

from msgspec.structs import replace

from dispute.lifecycle import (
    Actor,
    ChangeColour,
    Command,
    Instruction,
    Link,
    ProposeLink,
    RecordRuling,
    Register,
    Role,
)
from dispute.lifecycle.identity import NAMESPACE
from dispute.refusals.interfaces import ALREADY_REGISTERED, UNKNOWN_DISPUTE
from hub.access.verifier import Caller
from hub.errors import Refusal
from services.intake.cases.case_numbers import series_of
from services.intake.cases.ports import Accusation, Case, DoneTable, Secret
from services.intake.cases.rights import Giver, refusal_to_begin
from services.intake.cases.unit_of_work import Planned, Task
from services.intake.law.candidates import Candidate
from services.intake.law.handoff import Arrival, Handoff
from services.intake.law.later_facts import Situation, react
from services.intake.law.marks import Marks
from services.intake.law.registration import enter, enter_again
from services.intake.law.reports import first_report, report_of
from services.intake.law.rulebook import Rulebook
from services.intake.law.settling import settled
from services.intake.law.shared_results import SHARER, SharedEffect, instruction_of, result_to_bytes
from services.intake.law.timers import Timer, command_id_of, instructions_at

SCREENER: Final = Actor(Role.SYSTEM, "screening")
CLOCK: Final = Actor(Role.SYSTEM, "timer")
CALENDAR: Final = Actor(Role.SYSTEM, "calendar")
FINDER: Final = Actor(Role.SYSTEM, "matching")
RISK: Final = Actor(Role.SYSTEM, "risk")
OWN: Final = frozenset({CLOCK, CALENDAR})
"""Actors whose commands no ledger remembers: the commands are made again from the register."""

Marker = Callable[[Arrival], Marks | None]
"""Returns the marks of a case; holds the key (`law.marks.marks_of`)."""


def task_of_handoff(handoff: Handoff, ledger: DoneTable, actor: Actor, mark: Marker) -> Task:
    """Return the task of a hand-off or submission.

    A hand-off comes from an agency, a submission from a channel of the centre.

    Args:
        handoff: What was sent.
        ledger: Where its id is remembered.
        actor: Who sent it.
        mark: Makes the marks of a new case.
    """

    def plan(case: Case | None, candidates: Sequence[Candidate], book: Rulebook) -> Planned | Refusal:
        if isinstance(handoff.body, Arrival):
            if case is not None:
                return _again(handoff, handoff.body, actor, case, book)
            orders, facts = enter(handoff.body, handoff.sender, candidates, book)
            commands = [_step(handoff, actor, order) for order in orders]
            return Planned(commands, None if facts is handoff.body.facts else facts)
        if case is None:
            return UNKNOWN_DISPUTE.refusal()
        about = Situation(case.dispute, case.facts, handoff.occurred_at, handoff.digest)
        reaction = react(about, handoff.body, book)
        if isinstance(reaction, Refusal):
            return reaction
        report = report_of(handoff.occurred_at, handoff.body)
        return Planned([_step(handoff, actor, order, case) for order in reaction.orders], reaction.facts, report)

    arrival = handoff.body if isinstance(handoff.body, Arrival) else None
    return Task(
        task_id=handoff.handoff_id,
        dispute_id=handoff.dispute_id,
        digest=handoff.digest,
        ledger=ledger,
        plan=plan,
        marks=mark(arrival) if arrival is not None else None,
        recorded=first_report(handoff.occurred_at, arrival.facts) if arrival is not None else b"",
        secret=Secret(handoff.dispute_id, handoff.sender, arrival.confidential)
        if arrival is not None and arrival.confidential
        else None,
        accusation=Accusation(handoff.handoff_id, handoff.sender, arrival.accusation)
        if arrival is not None and arrival.accusation is not None
        else None,
        source_ref=arrival.source_ref if arrival is not None else "",
        series=series_of(handoff, arrival.dimensions.county_code) if arrival is not None else None,
    )


def task_of_command(command: Command, digest: bytes, caller: Caller) -> Task:
    """Return the task of one given command.

    Args:
        command: What is given.
        digest: Of its content.
        caller: A person or a system that gives it.
    """

    def plan(case: Case | None, _: Sequence[Candidate], __: Rulebook) -> Planned | Refusal:
        if case is None:
            return UNKNOWN_DISPUTE.refusal()
        refused = refusal_to_begin(caller, command, case.dispute)
        return refused or Planned((command,), giver=Giver(caller, command, case.approval))

    names = command.instruction.master_dispute_id if isinstance(command.instruction, Link) else ""
    return Task(command.command_id, command.dispute_id, digest, DoneTable.COMMAND, plan, names=names)


def task_of_effect(effect: SharedEffect) -> Task:
    """Return the task by which a dispute hears a result of its matter."""

    def plan(case: Case | None, _: Sequence[Candidate], __: Rulebook) -> Planned | Refusal:
        if case is None:
            return UNKNOWN_DISPUTE.refusal()
        order = instruction_of(effect.result, case.dispute, case.facts)
        if order is None:
            return Planned()
        # It may have happened before this dispute was registered; nothing can happen to it before that.
        at = max(effect.occurred_at, case.dispute.registered_at)
        return Planned((Command(effect.effect_id, effect.dispute_id, SHARER, at, order, effect.result.correlation_id),))

    digest = hashlib.sha256(result_to_bytes(effect.result)).digest()
    return Task(effect.effect_id, effect.dispute_id, digest, DoneTable.COMMAND, plan)


def task_of_timer(timer: Timer) -> Task:
    """Return the task of a due timer.

    It does nothing when the dispute no longer waits for the timer.
    """

    def plan(case: Case | None, _: Sequence[Candidate], book: Rulebook) -> Planned:
        orders = instructions_at(timer, case.dispute, book) if case is not None else ()
        if case is None or not orders:
            return Planned()
        command_id = command_id_of(timer, case.dispute.sequence)
        # A record that came late may have been due before its registration; nothing can happen to it before that.
        occurred_at = max(timer.due_at, case.dispute.registered_at)
        return Planned([Command(command_id, timer.dispute_id, CLOCK, occurred_at, order) for order in orders])

    return Task(f"{timer.dispute_id}/{timer.limit}", timer.dispute_id, b"", DoneTable.NONE, plan)


def task_of_settling(dispute_id: str, at: datetime) -> Task:
    """Return the task that settles a dispute's dates.

    It corrects the provisional dates that the calendar knows now.

    Args:
        dispute_id: Dispute.
        at: When the tables were known.
    """

    def plan(case: Case | None, _: Sequence[Candidate], book: Rulebook) -> Planned:
        order, counted = settled(case.dispute, book.calendar) if case is not None else (None, ())
        if case is None or order is None:
            return Planned()
        name = f"due-dates\x1f{dispute_id}\x1f{case.dispute.sequence}"
        occurred_at = max(at, case.dispute.registered_at)
        command = Command(str(uuid5(NAMESPACE, name)), dispute_id, CALENDAR, occurred_at, order, counted=counted)
        return Planned((command,))

    return Task(f"{dispute_id}/due-dates", dispute_id, b"", DoneTable.NONE, plan)


def _again(handoff: Handoff, arrival: Arrival, actor: Actor, case: Case, book: Rulebook) -> Planned | Refusal:
    """Return the commands of a record that its source hands over anew."""
    if arrival.round <= 1:
        return ALREADY_REGISTERED.refusal()
    again = [_step(handoff, SCREENER, order, case) for order in enter_again(arrival, book)]
    return Planned([replace(again[0], actor=actor), *again[1:]], arrival.facts, report_of(handoff.occurred_at, arrival))


def part_that_gives(order: Instruction) -> Actor:
    """Return which part of the hub gives an instruction of a new case, its registration apart."""
    if isinstance(order, ChangeColour):
        return RISK
    return FINDER if isinstance(order, Link | ProposeLink) else SCREENER


def _step(handoff: Handoff, actor: Actor, order: Instruction, case: Case | None = None) -> Command:
    """Return one command of a hand-off.

    The actor is the source for the registration, the hub for links, the screening and the colour, the court for a
    ruling.
    """
    if isinstance(order, RecordRuling):
        actor = Actor(Role.COURT, actor.actor_id)
    elif case is None and not isinstance(order, Register):
        actor = part_that_gives(order)
    # A source may report something older than the registration; in the register it counts from the registration.
    occurred_at = handoff.occurred_at if case is None else max(handoff.occurred_at, case.dispute.registered_at)
    return Command(handoff.handoff_id, handoff.dispute_id, actor, occurred_at, order, handoff.correlation_id)
