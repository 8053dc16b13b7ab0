"""Plans what people do with an accepted record.

These are the mediators' commands after its arrival, each with its business time.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ops.play.scenarios.days import SHANGHAI
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.record import Record
from ops.play.scenarios.terms import CONFIRMED_UNTIL, longest_mediation, term
from ops.play.scenarios.vocabulary import Docking, Fate

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:santiao-hub:scenario")
QUICK: Final = timedelta(minutes=20)
LONGEST_TERM: Final = timedelta(days=39)
"""From signature to the end of the term: 30 days, extended past the longest holiday, to the end of the last day."""

BEGUN_WITHIN: Final = timedelta(days=4)
"""Longest time from arrival to the beginning of the mediation."""

STALE_OPEN: Final = timedelta(days=24)
"""A record that is open for longer was never signed for; else its term would end inside the window."""

STATEMENT: Final = "mediation_statement"
VISIT_AFTER: Final = timedelta(days=2)

LEADS: Final[dict[Docking, tuple[str, ...]]] = {
    Docking.COURT: ("justice_bureau", "township_judicial_office"),
    Docking.POLICE: ("township_judicial_office", "village_committee"),
    Docking.PETITION: ("petition_bureau", "township_government"),
}
Arguments = tuple[tuple[str, str | int | bool], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One action of one person.

    Attributes:
        number: Record it belongs to.
        order: 1, 2, 3 … within the record.
        at: Business time.
        action: Name of the instruction in `Command.instruction`, or `ruling` for the court's report to its bridge.
        role: Role of the actor.
        arguments: Fields of the instruction.
        command_id: The same in every run of the scenario, so that a repeat is not a second command.
    """

    number: int
    order: int
    at: datetime
    action: str
    role: str
    arguments: Arguments
    command_id: str


@dataclass(frozen=True, slots=True)
class Journey:
    """All steps of one record, in order.

    Attributes:
        ends_at: Instant of its settlement or failure, if a person ends it.
    """

    steps: tuple[Step, ...]
    ends_at: datetime | None = None


@dataclass(slots=True)
class _Act:
    action: str
    role: str
    arguments: dict[str, str | int | bool]
    after: timedelta
    ends: bool = False


def journey(record: Record, scenario: Scenario) -> Journey:
    """Return the journey of a record.

    It has no steps when the record is not accepted: it stays with its source.
    """
    dice = random.Random(f"{scenario.seed}/{record.number}")  # noqa: S311 - reproducible simulation, no secret
    # A record that is not accepted goes back to its source by itself (transition T6); nobody acts on it.
    acts = list(_acts(record, scenario, dice)) if record.acceptable else []
    room = scenario.window.closes_at - timedelta(minutes=30) - record.arrives_at
    wanted = sum((act.after for act in acts), timedelta())
    # All steps lie inside the window: those that would go past its end are done faster.
    squeeze = min(1.0, room / wanted) if wanted else 1.0
    at, ends_at, steps = record.arrives_at, None, []
    for order, act in enumerate(acts, start=1):
        at += act.after * squeeze
        if act.ends:
            ends_at = at
        steps.append(_step(record, order, at, act, scenario))
    return Journey(tuple(steps), ends_at)


def _step(record: Record, order: int, at: datetime, act: _Act, scenario: Scenario) -> Step:
    command_id = str(uuid.uuid5(NAMESPACE, f"{scenario.name}/{scenario.seed}/{record.agency}/{record.ref}/{order}"))
    whole = at.replace(microsecond=0)
    arguments = dict(act.arguments)
    if act.action == "begin_follow_up":
        arguments["visit_on"] = (at.astimezone(SHANGHAI).date() + VISIT_AFTER).isoformat()
    return Step(record.number, order, whole, act.action, act.role, tuple(arguments.items()), command_id)


def _acts(record: Record, scenario: Scenario, dice: random.Random) -> Iterator[_Act]:
    ending = record.ending
    if ending.fate is Fate.OPEN and not _recent(record, scenario):
        # It waits for a dispatcher, or for a handler's signature.
        if dice.random() < 0.5:  # noqa: PLR2004 - a coin
            yield _dispatch(record, dice)
        return
    yield from _begun(record, dice)
    match ending.fate:
        case Fate.SETTLED:
            yield _agree(record)
            yield from _aftercare(record, dice)
        case Fate.FAILED:
            yield _Act("fail", "mediator", {"reason_code": ending.reason}, _mediation(record), ends=True)
            yield _Act("return_to_source", "handler", _packet(record, "failed"), _hours(dice, 2, 40))
        case Fate.WITHDRAWN:
            yield _Act("withdraw", "clerk", {"reason_code": ending.reason}, _mediation(record))
            yield _Act("return_to_source", "handler", _packet(record, "withdrawn"), _hours(dice, 2, 40))
        case Fate.EXPIRED:
            # Nobody acts; the timer ends the term. It fires when the clock is moved at the end of a tick; only after
            # that can the record go back.
            back_after = LONGEST_TERM + timedelta(days=scenario.tick_days)
            if record.arrives_at + BEGUN_WITHIN + back_after < scenario.window.closes_at:
                yield _Act("return_to_source", "handler", _packet(record, "expired"), back_after)
        case Fate.OPEN:
            return


def _begun(record: Record, dice: random.Random) -> Iterator[_Act]:
    yield _dispatch(record, dice)
    yield _Act("sign", "handler", {}, _hours(dice, 1, 20))
    mediation: dict[str, str | int | bool] = {
        "mediator_id": f"mediator-{record.town}-{dice.randrange(12)}",
        "mediation_kind": {
            Docking.COURT: "people",
            Docking.POLICE: "people",
            Docking.PETITION: "petition",
        }[record.channel],
        "parties_accepted_mediator": True,
        "no_conflict_of_interest": True,
        "rights_notice_given": True,
    }
    yield _Act("begin_mediation", "mediator", mediation, _hours(dice, 1, 30))


def _dispatch(record: Record, dice: random.Random) -> _Act:
    arguments: dict[str, str | int | bool] = {
        "lead_department": dice.choice(LEADS[record.channel]),
        "level": dice.choice(("village", "township", "township", "county")),
        "dispatch_mode": dice.choice(("passed_on", "assigned")),
        "organisation": f"committee-{record.town}",
    }
    return _Act("dispatch", "dispatcher", arguments, _hours(dice, 1, 20))


def _agree(record: Record) -> _Act:
    arguments: dict[str, str | int | bool] = {
        "outcome_form": record.ending.form,
        "signed_by_all": True,
        # A court issues a 调解书; a court could not confirm an agreement that it made itself.
        "made_by": "court" if record.ending.form == STATEMENT else "people_committee",
        "amount_fen": record.amount_fen * 7 // 10,
        "document_sha256": _digest(record, "agreement"),
        "confirmable": record.ending.form == "agreement" and not _filed(record),
    }
    return _Act("agree", "mediator", arguments, _mediation(record), ends=True)


def _aftercare(record: Record, dice: random.Random) -> Iterator[_Act]:
    if "confirmed" in record.aftercare:
        yield _Act("apply_for_confirmation", "clerk", {"jointly": True}, _hours(dice, 4, 60))
        yield _Act("ruling", "court", {"confirmed": True}, _hours(dice, 24, 120))
    if "performed" in record.aftercare:
        evidence: dict[str, str | int | bool] = {"evidence_sha256": _digest(record, "performance")}
        yield _Act("record_performance", "clerk", evidence, _hours(dice, 24, 120))
    if "closed" in record.aftercare:
        yield _Act("begin_follow_up", "clerk", {}, _hours(dice, 24, 60))
        yield _Act("record_visit", "clerk", {"clean": True}, _hours(dice, 24, 60))
        strike_off: dict[str, str | int | bool] = {
            "reviewer_id": "reviewer-1",
            "result_reported": True,
            "satisfied_or_explained": True,
        }
        yield _Act("close", "clerk", strike_off, _hours(dice, 1, 20))


def _recent(record: Record, scenario: Scenario) -> bool:
    own = term(record.channel, record.received_on, record.facts.procedure, record.category) - timedelta(days=1)
    return record.arrives_at > scenario.window.closes_at - min(STALE_OPEN, own)


def _mediation(record: Record) -> timedelta:
    longest = longest_mediation(record.channel, record.received_on, record.facts.procedure, record.category)
    return timedelta(days=min(record.ending.after_days, longest))


def _filed(record: Record) -> bool:
    return record.channel is Docking.COURT and record.received_on >= CONFIRMED_UNTIL


def _packet(record: Record, why: str) -> dict[str, str | int | bool]:
    return {"target": str(record.channel), "packet_sha256": _digest(record, why)}


def _digest(record: Record, what: str) -> str:
    return hashlib.sha256(f"{record.agency}/{record.ref}/{what}".encode()).hexdigest()


def _hours(dice: random.Random, least: float, most: float) -> timedelta:
    return max(QUICK, timedelta(hours=dice.uniform(least, most)))


def due_in(steps: Sequence[Step], start: datetime, end: datetime) -> list[Step]:
    """Return the steps of business time [start, end).

    Those of each record are in order.
    """
    inside = [step for step in steps if start <= step.at.astimezone(SHANGHAI) < end]
    return sorted(inside, key=lambda step: (step.at, step.number, step.order))
