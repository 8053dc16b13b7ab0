"""Bounds a mediation term by what the law sets beside it."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import DateName, Dispute, Span
from services.intake.law.deadlines import Calendar, LastDay, LimitCase, term_of
from services.intake.law.rulebook import Rulebook
from services.intake.law.state_limits import PRESERVATION_CLAUSE, suit_due


class BoundedTerm(Struct, frozen=True):
    """Last day of a term that may be cut short.

    Attributes:
        due: Last day.
        clause: What cut it short; empty when nothing did.
    """

    due: LastDay
    clause: str = ""


def bounded(due: LastDay, dispute: Dispute, matter: LimitCase, day: date, book: Rulebook) -> BoundedTerm:
    """Return a term's end, no later than the statute allows.

    A petition ends within its statutory limit (信访工作条例 34), a mediation before the suit that has to follow a
    preservation (民诉法 104). When that is over already, the term ends with the day itself: none has its end before its
    begin.

    Args:
        due: As the term alone is counted.
        dispute: As it stands.
        matter: What its limits depend on.
        day: Business day on which the term begins or moves.
        book: Rules.
    """
    cut = BoundedTerm(due)
    if dispute.preserved_on is not None:
        cut = _earlier(cut, LastDay(max(suit_due(dispute.preserved_on), day), None), PRESERVATION_CLAUSE)
    statutory = dispute.last_day(DateName.STATUTORY_DUE_ON)
    if statutory is not None:
        mark = dispute.provisional_mark(DateName.STATUTORY_DUE_ON)
        moved = None if mark is None or statutory < day else replace(mark, name=DateName.DUE_ON)
        term = term_of("statutory", matter, book.deadlines)
        clause = "" if term is None else term.clause
        cut = _earlier(cut, LastDay(max(statutory, day), moved), clause)
    return cut


def _earlier(cut: BoundedTerm, other: LastDay, clause: str) -> BoundedTerm:
    return BoundedTerm(other, clause) if other.day < cut.due.day else cut


def cut_of(due: LastDay | None, dispute: Dispute, matter: LimitCase, day: date, book: Rulebook) -> BoundedTerm | None:
    """Return a term's end where the statute cuts it, as `bounded` does; None where the term ends by itself."""
    found = None if due is None else bounded(due, dispute, matter, day, book)
    return None if found is None or found.due is due else found


def days_given(span: Span, before: date | None, after: date, calendar: Calendar) -> int:
    """Return how many days of an extension are left of it when its end is cut.

    Args:
        span: The extension.
        before: Last day that it moves.
        after: Last day that the statute allows.
        calendar: Counts working days.
    """
    if before is None or after <= before:
        return 0
    if not span.working:
        return (after - before).days
    return bisect_right(range(1, span.days), after, key=lambda days: calendar.workday_due(before, days).day)
