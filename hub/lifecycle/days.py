"""Business days in Asia/Shanghai and the instants at their ends; pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")
_DAY: Final = timedelta(days=1)


def business_day(at: datetime) -> date:
    """Return the business day of an aware instant: the calendar day in Asia/Shanghai."""
    return at.astimezone(ZONE).date()


def end_of(day: date) -> datetime:
    """Return the instant after the last one of a day in Asia/Shanghai: a limit's last day is inclusive."""
    return datetime.combine(day + _DAY, time(), ZONE).astimezone(UTC)


def last_day_before(end: datetime) -> date:
    """Return the day that ends at `end`, the inverse of `end_of`; the day before when `end` lies within one."""
    return business_day(end) - _DAY
