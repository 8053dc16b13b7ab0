"""Business days in Asia/Shanghai and their end instants; pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")
_DAY: Final = timedelta(days=1)
_OFFSET: Final = timedelta(hours=8)
_STEADY_FROM: Final = datetime(1992, 1, 1, tzinfo=UTC)
"""Since then the clocks of the zone are never changed: nothing has to be looked up for each instant."""
REMEMBERED: Final = 4096
FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
"""Range of plausible days, the same at every input: a day that one service accepts, no later one refuses."""


def business_day(at: datetime) -> date:
    """Return the business day of an aware instant.

    It is the calendar day in Asia/Shanghai.

    Raises:
        ValueError: `at` is naive; its day would depend on the machine.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    if at.tzinfo is UTC and at >= _STEADY_FROM:
        return (at + _OFFSET).date()
    return at.astimezone(ZONE).date()


@lru_cache(maxsize=REMEMBERED)
def end_of(day: date) -> datetime:
    """Return the instant at the end of a day.

    The first instant after the day in Asia/Shanghai, because a limit's last day is inclusive.
    """
    return datetime.combine(day + _DAY, time(), ZONE).astimezone(UTC)


def last_day_before(end: datetime) -> date:
    """Return the day that ends at `end`.

    The inverse of `end_of`; the day before when `end` lies within a day.
    """
    return business_day(end) - _DAY


EARLIEST: Final = end_of(FIRST_DAY - _DAY)
LATEST: Final = end_of(LAST_DAY)
"""Instants of these days: from `EARLIEST` on, before `LATEST`. So the conversion of zones stays in range too."""


def is_plausible_day(day: date) -> bool:
    """Tell whether a day is in the range."""
    return FIRST_DAY <= day <= LAST_DAY


def is_plausible_instant(at: datetime) -> bool:
    """Tell whether an aware instant is in the range."""
    return EARLIEST <= at < LATEST
