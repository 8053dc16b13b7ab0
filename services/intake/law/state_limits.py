"""Limits of states and of petition milestones.

Every open state has a limit, so that nothing waits for ever without an alarm and an owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from dispute.lifecycle import Channel, DateName, Dispute, Milestone, Recurrence, business_day, end_of
from services.intake.law.deadlines import Calendar, LastDay, MilestoneLimit, StateLimit, last_day, span_of
from services.intake.law.rulebook import Rulebook

PRESERVED: Final = "preserved"
"""Name of the limit that a preservation taken before the suit has."""
SUIT_DAYS: Final = 30
WARNING_DAYS: Final = 20
PRESERVATION_CLAUSE: Final = "民诉法(2023) 104"
STATE: Final = "state"
"""Name of the limit that the present state has."""
EVERY_MILESTONE: Final = frozenset(Milestone)
MILESTONES: Final = frozenset(milestone.value for milestone in Milestone)


_BY_STATE: Final[dict[int, tuple[tuple[StateLimit, ...], Mapping[str, tuple[StateLimit, ...]]]]] = {}


def limit_of_state(dispute: Dispute, book: Rulebook) -> StateLimit | None:
    """Return the limit of a dispute's present state; None when another limit ends that state."""
    for row in _rows_of(book.deadlines.states).get(dispute.state, ()):
        if not row.channel or row.channel == dispute.dimensions.channel:
            return row
    return None


def _rows_of(rows: tuple[StateLimit, ...]) -> Mapping[str, tuple[StateLimit, ...]]:
    """Return the rows by their state; kept for the rules in force, since every step of a dispute asks."""
    kept = _BY_STATE.get(id(rows))
    if kept is None or kept[0] is not rows:
        _BY_STATE.clear()
        found: dict[str, tuple[StateLimit, ...]] = {}
        for row in rows:
            found[row.state] = (*found.get(row.state, ()), row)
        kept = _BY_STATE[id(rows)] = (rows, found)
    return kept[1]


def state_end(dispute: Dispute, book: Rulebook) -> tuple[datetime, bool] | None:
    """Return the end of the present state's limit, and whether it is certain."""
    row = limit_of_state(dispute, book)
    if row is None or dispute.since is None:
        return None
    return _end_of(row, business_day(dispute.since), book.calendar)


def milestone_limits(
    dispute: Dispute, book: Rulebook, wanted: Collection[Milestone]
) -> Iterator[tuple[MilestoneLimit, LastDay]]:
    """Yield the limits of some of a first petition's milestones, with their last days.

    A county has them only where its rules say so; they run from the registration.
    """
    dimensions, received_on = dispute.dimensions, dispute.cohort.received_on
    first = dimensions.recurrence is Recurrence.FIRST
    if dimensions.channel is not Channel.PETITION or not first or dispute.reopen_seq or received_on is None:
        return
    for row in book.deadlines.milestones:
        if row.milestone in wanted:
            yield row, last_day(DateName.LOCAL_DUE_ON, received_on, (span_of(row),), book.calendar)


def milestone_ends(dispute: Dispute, book: Rulebook) -> Iterator[tuple[str, datetime, bool]]:
    """Yield the ends of the milestones that are not reached yet, and whether they are certain."""
    for row, due in milestone_limits(dispute, book, EVERY_MILESTONE.difference(dispute.milestones)):
        yield row.milestone.value, end_of(due.day), due.mark is None


def suit_due(preserved_on: date) -> date:
    """Return the day on which a suit is due at the latest after a preservation (民诉法 104).

    No mediation lasts longer, and no day off moves it: later the preservation is lifted.
    """
    return preserved_on + timedelta(days=SUIT_DAYS)


def suit_warning(preserved_on: date) -> datetime:
    """Return when to warn that the suit is due."""
    return end_of(preserved_on + timedelta(days=WARNING_DAYS - 1))


def _end_of(row: StateLimit, start: date, calendar: Calendar) -> tuple[datetime, bool]:
    due = last_day(DateName.LOCAL_DUE_ON, start, (span_of(row),), calendar)
    return end_of(due.day), due.mark is None
