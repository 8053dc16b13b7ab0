"""Dates that reach a year without holiday table.

They are counted with weekends as the only days off, until the table comes. Nothing expires, fails, bounces or is late
on such a date (ADR-0009); reminders may fire.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from msgspec import Struct


class DateName(StrEnum):
    """Limits of a dispute, counted in days."""

    DUE_ON = "due_on"
    LOCAL_DUE_ON = "local_due_on"
    STATUTORY_DUE_ON = "statutory_due_on"
    SIGN_BY = "sign_by"
    CONFIRM_BY = "confirm_by"
    SCREEN_BY = "screen_by"


COHORT_DATES: Final = (DateName.DUE_ON, DateName.LOCAL_DUE_ON, DateName.STATUTORY_DUE_ON)
"""Limits among the cohort dates of counted facts; the dispute alone has the others."""


class Span(Struct, frozen=True, array_like=True):
    """Number of calendar days (民诉法 85) or working days."""

    days: int
    working: bool = False


class ProvisionalDate(Struct, frozen=True, array_like=True):
    """A date that a holiday table may still move.

    It has what is needed to count it again.

    Attributes:
        name: Which limit.
        day: Its last day as it was counted; name and day identify the mark.
        counted_from: Day of the event; not counted.
        spans: One after the other, each from the end of the one before: a limit, then its extensions.
        missing_year: First year on the way that had no holiday table.
    """

    name: DateName
    day: date
    counted_from: date
    spans: tuple[Span, ...]
    missing_year: int


class SettledDate(Struct, frozen=True):
    """A provisional date counted again.

    `before` and `after` are the same day when the table moved nothing.
    """

    name: DateName
    before: date
    after: date


class SettleDueDates(Struct, frozen=True):
    """D1: settles provisional dates.

    A holiday table came, and the dates were counted again. Never on the wire: only the hub itself gives it.

    Attributes:
        dates: At least one; each is a date that is provisional.
    """

    dates: tuple[SettledDate, ...]
