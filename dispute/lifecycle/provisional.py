"""Dates that reach a year without a holiday table: counted by weekends alone, and until the table comes no more.

Nothing expires, fails, bounces or is late on such a date (ADR-0009); reminders may ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class DateName(StrEnum):
    """Limits of a dispute that are counted in days of the calendar."""

    DUE_ON = "due_on"
    LOCAL_DUE_ON = "local_due_on"
    STATUTORY_DUE_ON = "statutory_due_on"
    SIGN_BY = "sign_by"
    CONFIRM_BY = "confirm_by"


COHORT_DATES: Final = (DateName.DUE_ON, DateName.LOCAL_DUE_ON, DateName.STATUTORY_DUE_ON)
"""Limits that stand in the cohort dates of counted facts; the others stand in the dispute alone."""


@dataclass(frozen=True, slots=True)
class Span:
    """So many days further: calendar days by 民诉法 85, or working days."""

    days: int
    working: bool = False


@dataclass(frozen=True, slots=True)
class ProvisionalDate:
    """A date that a holiday table still may move, and how it was counted, so that it can be counted again.

    Attributes:
        name: Which limit.
        day: Its last day as it was counted; with the name it is the mark's identity.
        counted_from: Day of the event; not counted.
        spans: One after the other, each from the end of the one before: a limit, then its extensions.
        missing_year: First year on the way that had no holiday table.
    """

    name: DateName
    day: date
    counted_from: date
    spans: tuple[Span, ...]
    missing_year: int


@dataclass(frozen=True, slots=True)
class SettledDate:
    """A provisional date counted again; `before` and `after` are the same day when the table moved nothing."""

    name: DateName
    before: date
    after: date


@dataclass(frozen=True, slots=True)
class SettleDueDates:
    """D1: a holiday table came, and provisional dates were counted again; never on the wire, the hub's own.

    Attributes:
        dates: At least one; each names a date that is provisional.
    """

    dates: tuple[SettledDate, ...]
