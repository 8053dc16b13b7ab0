"""Limits of states and of petition milestones.

Every open state has a limit, so that nothing waits for ever without an alarm and an owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from dispute.lifecycle import Channel, Dispute, Milestone, Recurrence, business_day, end_of
from services.intake.law.deadlines import CountedEnd, MilestoneLimit, StateLimit, counted_end
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


def limit_of_state(dispute: Dispute, book: Rulebook) -> StateLimit | None:
    """Return the limit of a dispute's present state; None when another limit ends that state."""
    return book.deadlines.state_of.get((dispute.state, dispute.dimensions.channel))


def state_end(dispute: Dispute, book: Rulebook) -> tuple[datetime, bool] | None:
    """Return the end of the present state's limit, and whether it is certain."""
    row = limit_of_state(dispute, book)
    if row is None or dispute.since is None:
        return None
    due = counted_end(business_day(dispute.since), row.days, row.count, book.calendar)
    return end_of(due.day), due.missing_year is None


def milestone_limits(
    dispute: Dispute, book: Rulebook, wanted: Collection[Milestone]
) -> Iterator[tuple[MilestoneLimit, CountedEnd]]:
    """Yield the limits of some of a first petition's milestones, with their last days.

    A county has them only where its rules say so; they run from the registration.
    """
    dimensions, received_on = dispute.dimensions, dispute.cohort.received_on
    first = dimensions.recurrence is Recurrence.FIRST
    if dimensions.channel is not Channel.PETITION or not first or dispute.reopen_seq or received_on is None:
        return
    for row in book.deadlines.milestones:
        if row.milestone in wanted:
            yield row, counted_end(received_on, row.days, row.count, book.calendar)


def milestone_ends(dispute: Dispute, book: Rulebook) -> Iterator[tuple[str, datetime, bool]]:
    """Yield the ends of the milestones that are not reached yet, and whether they are certain."""
    for row, due in milestone_limits(dispute, book, EVERY_MILESTONE.difference(dispute.milestones)):
        yield row.milestone.value, end_of(due.day), due.missing_year is None


def suit_due(preserved_on: date) -> date:
    """Return the day on which a suit is due at the latest after a preservation (民诉法 104).

    No mediation lasts longer, and no day off moves it: later the preservation is lifted.
    """
    return preserved_on + timedelta(days=SUIT_DAYS)


def suit_warning(preserved_on: date) -> datetime:
    """Return when to warn that the suit is due."""
    return end_of(preserved_on + timedelta(days=WARNING_DAYS - 1))
