"""On which days and hours of a year records come: working days, holidays, seasons of each kind of dispute."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Final

import chinese_calendar

from dispute.calendar.days import ZONE

DAY: Final = timedelta(days=1)
OFFICE: Final = frozenset({"court", "petition", "window", "department"})
"""Channels that take nothing on a day off."""
SEASONS: Final = {
    "07": {12: 2.5, 1: 2.5, 2: 2.5},  # wages before and after Spring Festival
    "09": {4: 2.0, 5: 2.0, 6: 2.0, 8: 1.5, 9: 1.5, 10: 1.5},  # water and land, then the harvest
    "01": {2: 1.8, 3: 1.8},  # divorce after Spring Festival
}
FILING: Final = {12: 0.6, 1: 1.6}
SATURDAY: Final = 5
QUIET_WEEK: Final = 0.1
"""Courts in the week of Spring Festival."""


class Calendar:
    """Draws days of a year.

    Args:
        first_day: Of the year.
        days: Its length.
    """

    def __init__(self, first_day: date, days: int) -> None:
        self.first_day = first_day
        self.last_day = first_day + (days - 1) * DAY
        self._days = [first_day + number * DAY for number in range(days)]
        self._weights: dict[tuple[str, str], list[float]] = {}

    def instant(self, channel: str, category: str, dice: Random) -> datetime:
        """Return when a record of a kind comes."""
        key = (channel, category[:2])
        if key not in self._weights:
            self._weights[key] = list(accumulate(_weight(day, *key) for day in self._days))
        (day,) = dice.choices(self._days, cum_weights=self._weights[key])
        return at_hour(day, channel, dice)


@cache
def is_open(day: date) -> bool:
    """Tell whether offices work on a day; in a year without a holiday table only weekends are days off."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < SATURDAY


def at_hour(day: date, channel: str, dice: Random) -> datetime:
    """Return an instant of a day; a third of the police's calls come in the evening."""
    evening = channel == "police" and dice.random() < 1 / 3
    minutes = dice.randrange(18 * 60, 24 * 60) if evening else dice.randrange(9 * 60, 17 * 60)
    return datetime.combine(day, time(minutes // 60, minutes % 60), ZONE)


def later(at: datetime, hours: float) -> datetime:
    """Return a working hour, at least so many hours later."""
    then = (at + timedelta(hours=hours)).astimezone(ZONE).replace(second=0, microsecond=0)
    while not is_open(then.date()):
        then = datetime.combine(then.date() + DAY, time(9, then.minute), ZONE)
    if then.hour < 9:
        return then.replace(hour=9)
    # In the evening people still write; nothing moves to the next day that happened on this one.
    return then


def _weight(day: date, channel: str, category: str) -> float:
    weight = SEASONS.get(category, {}).get(day.month, 1.0)
    if channel in OFFICE and not is_open(day):
        return 0.0
    if channel == "court":
        weight *= FILING.get(day.month, 1.0)
        near = (day + offset * DAY for offset in range(-3, 4))
        names = {chinese_calendar.get_holiday_detail(each)[1] for each in near if not is_open(each)}
        weight *= QUIET_WEEK if "Spring Festival" in names else 1.0
    return weight
