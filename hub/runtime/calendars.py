"""Chinese calendars for legal time limits: calendar days by 民诉法 85 and working days; intake's clocks use both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import chinese_calendar
import yaml

from hub.errors import Fault, Rejected

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Notice:
    """One State Council notice on the holidays of one year.

    Attributes:
        source: Number and date of the notice.
        holidays: Days off.
        workdays: Weekend days that are worked (调休).
    """

    source: str
    holidays: frozenset[date]
    workdays: frozenset[date]


class WorkCalendar:
    """Which days are worked in mainland China.

    Attributes:
        notices: Year -> notice, for years that the library lacks or has wrong; a notice goes before the library.
    """

    def __init__(self, notices: Mapping[int, Notice]) -> None:
        self.notices = notices

    def is_workday(self, day: date) -> bool:
        """Tell whether `day` is worked; weekends are days off unless a notice makes them working days.

        Raises:
            Rejected: `calendar_missing` when neither a notice nor the library covers that year.
        """
        for notice in self.notices.values():
            if day in notice.workdays:
                return True
            if day in notice.holidays:
                return False
        if day.year in self.notices:
            return day.weekday() < _SATURDAY
        try:
            return _worked(day)
        except NotImplementedError as error:
            raise Rejected("calendar_missing", f"no holiday table covers {day.year}") from error

    def calendar_due(self, start: date, days: int) -> date:
        """Return the last day of a limit of calendar days.

        Args:
            start: Day of the event; not counted.
            days: At least 1.

        Returns:
            The last day, inclusive. A day off (weekend or public holiday) moves to the first working day after it.

        Raises:
            Rejected: `calendar_missing` when no holiday table covers the last day's year.
            ValueError: `days` is below 1.

        Source:
            民事诉讼法 (2023) 第八十五条：期间开始的时和日，不计算在期间内；
            期间届满的最后一日是法定休假日的，以法定休假日后的第一日为期间届满的日期。
        """
        due = start + timedelta(days=_at_least_one(days))
        while not self.is_workday(due):
            due += _DAY
        return due

    def workday_due(self, start: date, days: int) -> date:
        """Return the last day of a limit of working days.

        Args:
            start: Day of the event; not counted, whether worked or not.
            days: Number of working days, at least 1; make-up working days count.

        Returns:
            The last day, inclusive; always a working day.

        Raises:
            Rejected: `calendar_missing` when no holiday table covers a year on the way.
            ValueError: `days` is below 1.

        Source:
            人民法院在线调解规则 (法释〔2021〕23号) 第十、十二、十五条 count in 工作日;
            the day of the event is left out as in 民事诉讼法 (2023) 第八十五条.
        """
        due, left = start, _at_least_one(days)
        while left:
            due += _DAY
            left -= self.is_workday(due)
        return due


@cache
def national() -> WorkCalendar:
    """Return the calendar of the package's own notices and the library; read once."""
    return WorkCalendar(read_notices(files(__package__).joinpath("calendar_years.yaml").read_text(encoding="utf-8")))


def is_workday(day: date) -> bool:
    """Tell whether `day` is worked; see `WorkCalendar.is_workday`."""
    return national().is_workday(day)


def calendar_due(start: date, days: int) -> date:
    """Return the last day of a limit of calendar days; see `WorkCalendar.calendar_due` (民诉法 85)."""
    return national().calendar_due(start, days)


def workday_due(start: date, days: int) -> date:
    """Return the last day of a limit of working days; see `WorkCalendar.workday_due`."""
    return national().workday_due(start, days)


def read_notices(text: str) -> dict[int, Notice]:
    """Read the format of `calendar_years.yaml`.

    Raises:
        Fault: `calendar_damaged` when a year lacks its source or a date cannot be read; nothing is skipped.
    """
    try:
        return {
            int(year): Notice(_source(entry["source"]), _dates(entry["holidays"]), _dates(entry["workdays"]))
            for year, entry in yaml.safe_load(text)["years"].items()
        }
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Fault("calendar_damaged", f"calendar_years.yaml cannot be read: {error}") from error


def _source(text: str) -> str:
    if not text.strip():
        raise ValueError("a year needs the source of its days")
    return text


def _dates(items: list[date | str]) -> frozenset[date]:
    return frozenset(item if isinstance(item, date) else date.fromisoformat(item) for item in items)


@lru_cache(maxsize=_REMEMBERED)
def _worked(day: date) -> bool:
    """Ask the library once: it looks through every holiday it knows at each call, and limits end on few days."""
    return bool(chinese_calendar.is_workday(day))


def _at_least_one(days: int) -> int:
    if days < 1:
        raise ValueError("a limit has at least one day")
    return days
