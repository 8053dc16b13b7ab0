"""Counts the journal again, by dispute and from its own definitions (docs/figures.md), to compare with stats.

stats keeps nothing per dispute and adds line by line; this keeps every dispute's facts and counts what is left of them
at the end. That the two agree is the point.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from dispute.wire.dispute.v1 import dimensions_pb2
from dispute.wire.journal.v1 import journal_pb2

EPOCH: Final = date(1970, 1, 1).toordinal()
TYPES: Final[Mapping[int, str]] = {
    1: "registered",
    2: "accepted",
    3: "mediation_refused",
    4: "dispatched",
    5: "bounced",
    6: "agreed",
    7: "failed",
    8: "withdrawn",
    9: "confirmation_applied",
    10: "confirmed",
    11: "confirmation_refused",
    12: "performed",
    13: "not_performed",
    14: "returned",
    15: "referred",
    16: "closed",
    17: "reopened",
    18: "rated",
    19: "visited",
    20: "duplicate_linked",
    21: "linked",
    22: "resubmitted",
}
"""What the codes in `fact.type` mean: the layout of the store."""
CODE: Final = {name: code for code, name in TYPES.items()}
MEASURED: Final = frozenset(
    {
        "registered",
        "accepted",
        "mediation_refused",
        "agreed",
        "failed",
        "withdrawn",
        "duplicate_linked",
        "linked",
        "resubmitted",
        "returned",
        "referred",
        "performed",
        "confirmed",
        "closed",
        "reopened",
    }
)
"""Types that docs/figures.md has a measure of; only these are summed in cells."""
CONCLUSIONS: Final = frozenset({"agreed", "failed", "withdrawn"})
OUTCOMES: Final = frozenset({"accepted", "mediation_refused", "withdrawn"})
"""What gives a round its outcome."""
ROUNDS: Final = frozenset({"registered", "resubmitted"})
"""What begins a round: the record is received, or received anew."""


Due = tuple[int | None, int | None, int | None]
"""Days on which the three limits of a fact end: mediation, the county's, the statutory one."""


class Where(NamedTuple):
    """Core dimensions."""

    channel: str
    county: str
    town: str


class Line(NamedTuple):
    """One expected row of `fact`, with names instead of ids."""

    stream: str
    position: int
    line: int
    type: int
    sign: int
    day: int
    first: int
    concluding: int
    dispute: bytes
    channel: str
    county: str
    town: str
    due: Due


@dataclass(frozen=True, slots=True)
class Counted:
    """A fact of one dispute that holds."""

    type: str
    day: int
    where: Where
    opening: int
    first: bool
    concluding: bool
    due: Due


CellKey = tuple[int, int, str, bool, bool, Where]
"""(day, shard, type, first, concluding, where)."""
OpenKey = tuple[int, str, Where]
"""(day, `rounds` or `openings`, where)."""


@dataclass
class Recount:
    """The journal, counted again.

    Attributes:
        lines: Expected facts.
        facts: What holds at the end: by dispute, by the sequence of the event that told it.
        shards: Shard of each dispute.
        problems: Events that contradict themselves or each other.
    """

    lines: set[Line] = field(default_factory=set)
    facts: dict[str, dict[int, Counted]] = field(default_factory=dict)
    shards: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def cells(self) -> Counter[CellKey]:
        """Return the sums of the measured facts."""
        sums: Counter[CellKey] = Counter()
        for dispute, facts in self.facts.items():
            for fact in facts.values():
                if fact.type in MEASURED:
                    sums[fact.day, self.shards[dispute], fact.type, fact.first, fact.concluding, fact.where] += 1
        return sums

    def open(self) -> Counter[OpenKey]:
        """Return what has no outcome yet, under the day on which it began."""
        sums: Counter[OpenKey] = Counter()
        for facts in self.facts.values():
            decided = {fact.opening for fact in facts.values() if fact.type in OUTCOMES}
            concluded = {fact.opening for fact in facts.values() if fact.concluding}
            for fact in facts.values():
                if fact.type in ROUNDS and fact.opening not in decided:
                    sums[fact.day, "rounds", fact.where] += 1
                if fact.type in {"accepted", "reopened"} and fact.opening not in concluded:
                    sums[fact.day, "openings", fact.where] += 1
        return sums


def recount(events: Iterable[tuple[str, int, journal_pb2.JournalEvent]]) -> Recount:
    """Count events, given as (stream, position, event) in the order of each stream."""
    counted = Recount()
    for stream, position, event in events:
        _add(counted, stream, position, event)
    return counted


def _add(counted: Recount, stream: str, position: int, event: journal_pb2.JournalEvent) -> None:
    facts = counted.facts.setdefault(event.dispute_id, {})
    counted.shards[event.dispute_id] = int(stream.split("/")[1])
    place = (stream, position)
    lines: list[Line] = []

    def write(fact: Counted, sign: int) -> None:
        where = (fact.where.channel, fact.where.county, fact.where.town)
        number = len(lines)
        dispute = UUID(event.dispute_id).bytes
        flags = (int(fact.first), int(fact.concluding))
        lines.append(Line(*place, number, CODE[fact.type], sign, fact.day, *flags, dispute, *where, fact.due))

    if event.type in CODE:
        facts[event.sequence] = own = _counted(event, event.dimensions)
        write(own, 1)
    for taken in event.retracts:
        if taken.type not in CODE:
            continue
        told = _counted(taken, taken.dimensions)
        if facts.get(taken.sequence) != told:
            counted.problems.append(f"{stream}@{position} retracts what was not counted so: event {taken.sequence}")
        facts.pop(taken.sequence, None)
        write(told, -1)
        if taken.restated:
            due = _due(taken.restated_cohort) if taken.HasField("restated_cohort") else told.due
            facts[taken.sequence] = again = replace(told, where=_where(taken.restated_as), due=due)
            write(again, 1)
    counted.lines.update(lines)


def _counted(told: journal_pb2.JournalEvent | journal_pb2.Retraction, dims: dimensions_pb2.Dimensions) -> Counted:
    ends = told.type in CONCLUSIONS
    # A link counts on the day on which its record was received.
    received_on = (told.cohort.received_on or told.cohort.registered_on) if told.type == "linked" else ""
    return Counted(
        type=told.type,
        day=date.fromisoformat(received_on or told.business_day).toordinal() - EPOCH,
        where=_where(dims),
        opening=told.reopen_seq,
        first=ends and told.ordinal == 1,
        concluding=ends and told.conclusion_ordinal == 1,
        due=_due(told.cohort),
    )


def _due(cohort: dimensions_pb2.CohortDates) -> Due:
    return _day(cohort.due_on), _day(cohort.local_due_on), _day(cohort.statutory_due_on)


def _day(text: str) -> int | None:
    return date.fromisoformat(text).toordinal() - EPOCH if text else None


def _where(dims: dimensions_pb2.Dimensions) -> Where:
    return Where(dims.channel, dims.county_code, dims.town_code)
