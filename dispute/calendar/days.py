"""Business days in Asia/Shanghai and the instants at their ends; pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")
_DAY: Final = timedelta(days=1)
FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
"""What the hub takes for a day of our world, the same at every door: what one lets in, no later one refuses."""


def business_day(at: datetime) -> date:
    """Return the business day of an aware instant: the calendar day in Asia/Shanghai.

    Raises:
        ValueError: `at` is naive; its day would depend on the machine.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(ZONE).date()


def end_of(day: date) -> datetime:
    """Return the instant after the last one of a day in Asia/Shanghai: a limit's last day is inclusive."""
    return datetime.combine(day + _DAY, time(), ZONE).astimezone(UTC)


def last_day_before(end: datetime) -> date:
    """Return the day that ends at `end`, the inverse of `end_of`; the day before when `end` lies within one."""
    return business_day(end) - _DAY


EARLIEST: Final = end_of(FIRST_DAY - _DAY)
LATEST: Final = end_of(LAST_DAY)
"""Instants of these days: from `EARLIEST` on, before `LATEST`; it also keeps the conversion of zones in range."""


def is_plausible_day(day: date) -> bool:
    """Tell whether the hub takes it for a day of our world."""
    return FIRST_DAY <= day <= LAST_DAY


def is_plausible_instant(at: datetime) -> bool:
    """Tell whether the hub takes an aware instant for one of our world."""
    return EARLIEST <= at < LATEST
