"""Chinese calendar for legal time limits.

Counts calendar days by 民诉法 85, and working days; intake uses both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from itertools import count
from typing import Final, Literal

import chinese_calendar
import yaml
from msgspec import Struct

from hub.errors import Fault

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_REMEMBERED: Final = 4096
FIRST_YEAR: Final = 2004
"""First year that has tables; for older days only weekends are days off."""
CORRECTED: Final = {date(2005, 12, 31): True}
"""Days that are wrong in chinesecalendar 1.11.0 -> worked: a make-up Saturday by the notice on the holidays of 2006."""


class Notice(Struct, frozen=True):
    """State Council notice on one year's holidays.

    Attributes:
        source: Number of the notice, or who confirms the days.
        issued: Day of the notice.
        holidays: Days off.
        workdays: Weekend days that are worked (调休).
    """

    source: str
    issued: date
    holidays: frozenset[date]
    workdays: frozenset[date]


class LimitEnd(Struct, frozen=True):
    """Last day of a limit.

    Attributes:
        day: Inclusive.
        missing_year: First year on the way without a holiday table: in it only weekends were counted as days off, and
            the day is provisional. None when the day is certain.
    """

    day: date
    missing_year: int | None = None


class WorkCalendar:
    """Working days in mainland China.

    Attributes:
        notices: Year -> notice, for years that the library lacks; a notice has priority over the library. May be
            replaced as a whole at any time, from any thread.
    """

    def __init__(self, notices: Mapping[int, Notice]) -> None:
        self.notices = notices

    @property
    def notices(self) -> Mapping[int, Notice]:
        """Notices of years that the library lacks."""
        return self._notices

    @notices.setter
    def notices(self, notices: Mapping[int, Notice]) -> None:
        self._notices = notices
        # Limits begin on few different days, and an end is asked for at every step of a dispute.
        self._ends: dict[tuple[str, date, int], LimitEnd] = {}

    def covers(self, year: int) -> bool:
        """Tell whether a year's holidays are known."""
        return year in self.notices or _library_covers(year)

    def first_missing_year(self) -> int:
        """Return the first year from 2004 on without known holidays."""
        return next(year for year in count(FIRST_YEAR) if not self.covers(year))

    def is_workday(self, day: date) -> bool:
        """Tell whether `day` is worked.

        Weekends are days off unless a notice makes them working days. In a year without notice and library data,
        weekends are the only known days off.
        """
        for notice in self.notices.values():
            if day in notice.workdays:
                return True
            if day in notice.holidays:
                return False
        if day.year in self.notices or not _library_covers(day.year):
            return day.weekday() < _SATURDAY
        return _worked(day)

    def calendar_due(self, start: date, days: int) -> LimitEnd:
        """Return the last day, counted in calendar days.

        Args:
            start: Day of the event; not counted.
            days: At least 1.

        Returns:
            A day off (weekend or public holiday) moves to the first working day after it. Provisional when a day that
            was checked lies in a year without a table.

        Raises:
            ValueError: `days` is below 1.

        Source:
            民事诉讼法 (2023) 第八十五条：期间开始的时和日，不计算在期间内；
            期间届满的最后一日是法定休假日的，以法定休假日后的第一日为期间届满的日期。
        """
        return self._counted("calendar", start, days)

    def workday_due(self, start: date, days: int) -> LimitEnd:
        """Return the last day, counted in working days.

        Args:
            start: Day of the event; not counted, whether worked or not.
            days: Number of working days, at least 1; make-up working days count.

        Returns:
            Always a working day. Provisional when a day on the way lies in a year without a table.

        Raises:
            ValueError: `days` is below 1.

        Source:
            人民法院在线调解规则 (法释〔2021〕23号) 第十、十二、十五条 count in 工作日;
            the day of the event is left out as in 民事诉讼法 (2023) 第八十五条.
        """
        return self._counted("workday", start, days)

    def _counted(self, count: Literal["calendar", "workday"], start: date, days: int) -> LimitEnd:
        ends, key = self._ends, (count, start, days)
        known = ends.get(key)
        if known is None:
            known = self._calendar(start, days) if count == "calendar" else self._working(start, days)
            if len(ends) >= _REMEMBERED:
                ends.clear()
            ends[key] = known
        return known

    def _calendar(self, start: date, days: int) -> LimitEnd:
        first = start + timedelta(days=_at_least_one(days))
        due = next(day for day in _from(first) if self.is_workday(day))
        return self._due(first, due)

    def _working(self, start: date, days: int) -> LimitEnd:
        due, left = start, _at_least_one(days)
        while left:
            due += _DAY
            left -= self.is_workday(due)
        return self._due(start + _DAY, due)

    def _due(self, first: date, last: date) -> LimitEnd:
        """Return the limit's end with its missing year.

        The first year without a table among the days that were checked.
        """
        years = range(first.year, last.year + 1)
        return LimitEnd(last, next((year for year in years if not self.covers(year)), None))


def read_notices(text: str) -> dict[int, Notice]:
    """Read a holiday table.

    The form is `years: {2027: {source: …, issued: 2026-11-20, holidays: [2027-01-01, …], workdays: […]}}`. `holidays`
    are the days off of a holiday, `workdays` the weekend days that are worked; a notice may have days of the December
    before.

    Raises:
        Fault: `calendar_damaged` when a year lacks its source or date, a day cannot be read, lies in another year, or
            is both off and worked, or a worked day is not on a weekend; nothing is skipped.
    """
    try:
        return {int(year): _notice(int(year), entry) for year, entry in yaml.safe_load(text)["years"].items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Fault("calendar_damaged", f"节假日表无法读取 / a holiday table cannot be read: {error!r}") from error


def _notice(year: int, entry: Mapping[str, object]) -> Notice:
    odd = entry.keys() - {"source", "issued", "holidays", "workdays"}
    if odd:
        raise ValueError(f"{year}: no such field: {', '.join(sorted(map(str, odd)))}")
    source = entry["source"]
    if not isinstance(source, str) or not source.strip():
        raise ValueError(f"{year}: the source of the days is needed")
    notice = Notice(source, _date(entry["issued"]), _dates(entry["holidays"]), _dates(entry["workdays"]))
    for day in sorted(notice.holidays | notice.workdays):
        if day.year not in {year - 1, year}:
            raise ValueError(f"{day} is no day of the notice of {year}")
    for day in sorted(notice.workdays):
        if day in notice.holidays or day.weekday() < _SATURDAY:
            raise ValueError(f"{day} is no day of a weekend that is worked")
    if not notice.holidays:
        raise ValueError(f"{year}: a year has holidays")
    return notice


def _date(item: object) -> date:
    return item if type(item) is date else date.fromisoformat(str(item))


def _dates(items: object) -> frozenset[date]:
    if not isinstance(items, list):
        raise TypeError("a list of days is needed")
    return frozenset(map(_date, items))


def _from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += _DAY


@lru_cache(maxsize=_REMEMBERED)
def _library_covers(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


@lru_cache(maxsize=_REMEMBERED)
def _worked(day: date) -> bool:
    """Ask the library, with a cache.

    The library searches all its holidays at each call, and limits end on few different days.
    """
    known = CORRECTED.get(day)
    return bool(chinese_calendar.is_workday(day)) if known is None else known


def _at_least_one(days: int) -> int:
    if days < 1:
        raise ValueError("a limit has at least one day")
    return days
