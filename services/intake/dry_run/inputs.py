"""Orders what was reported and commanded of a case as it was written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from dispute.contracts.codec import event_from_wire, instant_of
from dispute.lifecycle import Actor, Dimensions, Event, EventKind, Instruction, Role, dispute_id_of
from dispute.lifecycle.asked_by import DATED, asked_by
from dispute.lifecycle.event_types import Registered
from services.intake.cases.tasks import OWN
from services.intake.dry_run.heard import HeardResults
from services.intake.dry_run.recording import Chronology, Message, RecordedCase, written_at
from services.intake.law.facts import Facts
from services.intake.law.handoff import LaterFact, Withdrawal
from services.intake.law.reports import SourceReport, reports_from_bytes
from services.intake.law.shared_results import SHARER, AnyResult

FOUND: Final = frozenset({EventKind.LINKED, EventKind.LINK_PROPOSED, EventKind.COLOUR_CHANGED})
"""Events of a hand-over that rest on other disputes, and on people that nobody kept."""
CONTINUING: Final = frozenset({*DATED, EventKind.RECLASSIFIED})
"""Events whose instruction shows in what they changed."""


class Registration(Struct, frozen=True):
    """What a new case had beside its facts.

    Attributes:
        dimensions: As its source counted them.
        amount_fen: Amount in dispute.
        source_ref: The source's own reference.
        agency: Who sent it.
        case_code: Its printed code; no rule changes it.
    """

    dimensions: Dimensions
    amount_fen: int
    source_ref: str
    agency: str
    case_code: str


class Input(Struct, frozen=True):
    """One thing reported or commanded.

    Attributes:
        written: Business time at which it was written down.
        at: When it happened.
        actor: Who reported or commanded it.
        command_id: Of its events.
        about: What was reported; None of a command.
        round: Number of the hand-over.
        found: Links, proposals and the colour that a new case got by other disputes and its people.
        heard: Result of another dispute of its matter.
        open: Instruction of a command, dates left open that the rules may have filled in.
        given: The same with the dates that were written.
        event: What came of a command; None when it has no date to compare.
    """

    written: datetime
    at: datetime
    actor: Actor
    command_id: str
    about: Facts | LaterFact | Withdrawal | None = None
    round: int = 0
    found: tuple[Instruction, ...] = ()
    heard: AnyResult | None = None
    open: Instruction | None = None
    given: Instruction | None = None
    event: Event | None = None


class UnknownInput(Struct, frozen=True):
    """Why a case's inputs are not known."""

    what: str
    sequence: int = 0


class Inputs(Struct, frozen=True):
    """Inputs of one case, in the order of their writing."""

    dispute_id: str
    registration: Registration
    inputs: tuple[Input, ...]


def inputs_of(recorded: RecordedCase, chronology: Chronology) -> Inputs | UnknownInput:
    """Return the inputs of a case.

    Unknown are those of an earlier release, and what a restored store lost.
    """
    reports = reports_from_bytes(recorded.case.recorded).reports
    events = recorded.events
    if not reports or not events or not isinstance(reports[0].about, Facts):
        return UnknownInput("facts")
    if len(events) != recorded.case.dispute.sequence:
        return UnknownInput("events", len(events))
    first = event_from_wire(events[0])
    ref, organ = recorded.case.dispute.source_ref, first.dimensions.source_organ
    is_organ = dispute_id_of(organ, ref) == first.dispute_id
    agency = organ if is_organ else first.actor_id
    entered = first.payload if isinstance(first.payload, Registered) else Registered()
    registration = Registration(first.dimensions, entered.amount_fen, ref, agency, entered.case_code)
    found: list[Input] = []
    source = Actor(first.actor_role, first.actor_id)
    for each in _in_order(reports, events, chronology, source):
        if isinstance(each, UnknownInput):
            return each
        found.append(each)
    return Inputs(recorded.case.dispute.dispute_id, registration, tuple(found))


def _in_order(
    reports: Sequence[SourceReport], events: Sequence[Message], chronology: Chronology, source: Actor
) -> Iterator[Input | UnknownInput]:
    done, rounds, heard = 0, 0, HeardResults()
    for each in reports:
        yield from _commands(events, range(done, each.after), chronology, heard)
        wrote = each.wrote or _wrote_first(events, each)
        its = events[each.after : each.after + wrote]
        done, rounds = each.after + wrote, rounds + isinstance(each.about, Facts)
        written = each.written or written_at(events[0], chronology)
        found = tuple(_found(message) for message in its if message.type in FOUND)
        command_id = its[0].causation_id if its else "report"
        yield Input(written, each.at, source, command_id, each.about, rounds, found)
    yield from _commands(events, range(done, len(events)), chronology, heard)


def _wrote_first(events: Sequence[Message], report: SourceReport) -> int:
    """Count the events of the first hand-over."""
    if report.written is not None:
        return 0
    cause = events[0].causation_id
    return next((place for place, each in enumerate(events) if each.causation_id != cause), len(events))


def _found(message: Message) -> Instruction:
    event = event_from_wire(message)
    asked = asked_by(event, event.dimensions, event.cohort)
    if asked is None:
        raise TypeError(f"{event.type} is asked by nobody")
    return asked[0]


def _commands(
    events: Sequence[Message], places: range, chronology: Chronology, matter: HeardResults
) -> Iterator[Input | UnknownInput]:
    """Yield the inputs of commands among the events; what the hub itself decided is decided anew."""
    last: tuple[int, Event] | None = None
    for place in places:
        message = events[place]
        actor = Actor(Role(message.actor_role), message.actor_id)
        if actor in OWN:
            continue
        event = before = event_from_wire(message)
        if event.type in CONTINUING:
            known, earlier = last, _before(message, place)
            before = known[1] if known is not None and known[0] == earlier else event_from_wire(events[earlier])
        last = (place, event)
        asked = asked_by(event, before.dimensions, before.cohort)
        if asked is None:
            yield UnknownInput(event.type, event.sequence)
            return
        written, at = written_at(message, chronology), instant_of(message.occurred_at)
        if actor == SHARER:
            yield Input(written, at, actor, event.causation_id, heard=matter.by(event))
            continue
        compared = event if asked[0] != asked[1] else None
        # The remedy after it follows from the state; a person names one.
        reported = actor.role is Role.AGENCY and event.type is EventKind.NOT_PERFORMED
        about = LaterFact("not_performed") if reported else None
        yield Input(written, at, actor, event.causation_id, about, open=asked[0], given=asked[1], event=compared)


def _before(message: Message, place: int) -> int:
    """Return the place of the event that it continues, also where it takes later ones back."""
    return max(0, (message.rewinds_to - 2) if message.rewinds_to else place - 1)
