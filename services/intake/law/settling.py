"""Counts provisional dates again when a holiday table has come."""

from __future__ import annotations

from dispute.lifecycle import Dispute, ProvisionalDate, SettledDate, SettleDueDates
from services.intake.law.deadlines import Calendar, last_day


def settled(dispute: Dispute, calendar: Calendar) -> tuple[SettleDueDates | None, tuple[ProvisionalDate, ...]]:
    """Count a dispute's provisional dates again.

    Returns:
        The instruction that corrects the dates for which the calendar knows more now, None when there are none; and
        the marks of those among them that another missing year still leaves open.
    """
    dates: list[SettledDate] = []
    open_still: list[ProvisionalDate] = []
    for mark in dispute.provisional:
        if not calendar.covers(mark.missing_year):
            continue
        due = last_day(mark.name, mark.counted_from, mark.spans, calendar)
        dates.append(SettledDate(mark.name, mark.day, due.day))
        if due.mark is not None:
            open_still.append(due.mark)
    return (SettleDueDates(tuple(dates)) if dates else None), tuple(open_still)
