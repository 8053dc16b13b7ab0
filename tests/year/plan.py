"""A plan: every input of a county's year, with the time at which it happens and the time at which it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from dispute.calendar.days import end_of

DOCKED = ("court", "police", "petition")


class Kind(StrEnum):
    """How an input reaches the hub."""

    RECORD = "record"
    """A record that an agency's bridge gets."""
    REPORT = "report"
    """What an agency reports of a record later."""
    SUBMISSION = "submission"
    """A case of a window, the hotline, a grid or the app."""
    COMMAND = "command"
    """What a person does with a dispute."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input.

    Attributes:
        written_at: When it is given to the hub; late paper happened before.
        order: Numbers the inputs of one dispute.
        content: JSON body of a record or a report, else the request itself.
    """

    written_at: datetime
    kind: Kind
    channel: str
    dispute_id: str
    order: int
    content: Any


@dataclass(frozen=True, slots=True)
class Planned:
    """One record of the plan, as its source knows it."""

    dispute_id: str
    channel: str
    agency: str
    ref: str
    happens: str


@dataclass(frozen=True)
class Plan:
    """Inputs in the order of their writing.

    Attributes:
        last_day: Nothing is written after it; what still runs then has time until the clock stops.
    """

    entries: tuple[Entry, ...]
    disputes: tuple[Planned, ...]
    first_day: date
    last_day: date

    def by_channel(self) -> dict[str, int]:
        """Return how many disputes come by each channel."""
        return dict(sorted(Counter(each.channel for each in self.disputes).items()))

    def within(self, first: date, last: date) -> Plan:
        """Return what is written on these days, and the disputes that begin on them."""
        start, end = end_of(date.fromordinal(first.toordinal() - 1)), end_of(last)
        begun = {
            each.dispute_id
            for each in self.entries
            if each.kind in {Kind.RECORD, Kind.SUBMISSION} and start <= each.written_at < end
        }
        entries = [each for each in self.entries if each.dispute_id in begun and each.written_at < end]
        return Plan(tuple(entries), tuple(d for d in self.disputes if d.dispute_id in begun), first, last)


def planned(entries: Iterable[Entry], disputes: Iterable[Planned], first_day: date, last_day: date) -> Plan:
    """Return a plan of inputs in any order."""
    limit = end_of(last_day)
    kept = sorted(
        (each for each in entries if each.written_at < limit),
        key=lambda each: (each.written_at, each.dispute_id, each.order),
    )
    return Plan(tuple(kept), tuple(disputes), first_day, last_day)
