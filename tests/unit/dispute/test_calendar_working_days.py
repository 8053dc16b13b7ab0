"""Legal time limits over real Chinese holidays; the expected days were read off the State Council's notices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispute.calendar.working_days import LimitEnd, WorkCalendar, read_notices
from hub.errors import Fault

CALENDAR = WorkCalendar({})
is_workday = CALENDAR.is_workday

OWN = """
years:
  2027:
    source: "国办发明电〔0000〕0号 (made up for this test)"
    issued: 2026-11-25
    holidays: ["2027-01-01", 2027-01-04, "2026-12-31"]
    workdays: ["2027-01-09", "2026-12-26"]
"""
"""No notice on 2027 was out when this was written: the days are invented."""


covered = st.dates(min_value=date(2004, 1, 1), max_value=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2024, 2, 9), True),  # 除夕 2024: a Friday that the notice left worked
        (date(2024, 2, 10), False),  # 春节
        (date(2024, 2, 16), False),
        (date(2024, 2, 17), False),
        (date(2024, 2, 18), True),  # Sunday, make-up
        (date(2024, 2, 4), True),  # Sunday, make-up
        (date(2025, 1, 26), True),  # Sunday, make-up
        (date(2025, 1, 28), False),  # 除夕 2025
        (date(2025, 2, 4), False),
        (date(2025, 2, 5), True),
        (date(2025, 2, 8), True),  # Saturday, make-up
        (date(2024, 10, 7), False),  # 国庆
        (date(2024, 10, 12), True),  # Saturday, make-up
        (date(2024, 6, 15), False),  # plain Saturday
    ],
)
def test_days_of_the_spring_festivals_2024_and_2025(day: date, worked: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_workday(day) is worked


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (date(2024, 6, 3), 1, date(2024, 6, 4)),  # the day of the event is not counted
        (date(2024, 5, 31), 15, date(2024, 6, 17)),  # ends on Saturday: Monday
        (
            date(2024, 1, 11),
            30,
            date(2024, 2, 18),
        ),  # ends on the first day of 春节: first worked day is a make-up Sunday
        (date(2024, 1, 5), 30, date(2024, 2, 4)),  # ends on a make-up Sunday: it is worked, nothing moves
        (date(2024, 12, 30), 30, date(2025, 2, 5)),  # over the new year into 春节 2025
        (date(2024, 1, 30), 30, date(2024, 2, 29)),  # leap day
    ],
)
def test_article_85_calendar_days(start: date, days: int, due: date) -> None:
    assert CALENDAR.calendar_due(start, days) == LimitEnd(due)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (date(2024, 6, 3), 1, date(2024, 6, 4)),
        (date(2024, 2, 9), 1, date(2024, 2, 18)),  # Friday before 春节: next worked day is the make-up Sunday
        (date(2024, 2, 9), 3, date(2024, 2, 20)),
        (date(2025, 1, 27), 3, date(2025, 2, 7)),
        (date(2025, 1, 27), 4, date(2025, 2, 8)),  # the make-up Saturday counts
        (date(2024, 2, 12), 1, date(2024, 2, 18)),  # an event on a day off
        (date(2024, 12, 27), 5, date(2025, 1, 6)),  # over the new year
    ],
)
def test_working_days(start: date, days: int, due: date) -> None:
    assert CALENDAR.workday_due(start, days) == LimitEnd(due)


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (CALENDAR.calendar_due(date(2026, 12, 15), 30), LimitEnd(date(2027, 1, 14), 2027)),
        (CALENDAR.calendar_due(date(2026, 12, 4), 30), LimitEnd(date(2027, 1, 4), 2027)),  # ends on Sunday 3 January
        (CALENDAR.calendar_due(date(2026, 12, 30), 1), LimitEnd(date(2026, 12, 31))),
        (CALENDAR.workday_due(date(2026, 12, 30), 5), LimitEnd(date(2027, 1, 6), 2027)),
        (CALENDAR.workday_due(date(2026, 12, 28), 3), LimitEnd(date(2026, 12, 31))),
        (CALENDAR.workday_due(date(2003, 12, 29), 3), LimitEnd(date(2004, 1, 2), 2003)),
        (CALENDAR.calendar_due(date(2003, 12, 29), 3), LimitEnd(date(2004, 1, 2))),  # 1 January 2004 is known to be off
        (CALENDAR.calendar_due(date(1999, 5, 1), 60), LimitEnd(date(1999, 6, 30), 1999)),
        (CALENDAR.calendar_due(date(1999, 4, 2), 1), LimitEnd(date(1999, 4, 5), 1999)),  # a Saturday: Monday
    ],
)
def test_a_year_without_a_table_is_counted_by_weekends_and_named(due: LimitEnd, expected: LimitEnd) -> None:
    assert due == expected


def test_the_first_year_without_a_table_is_known() -> None:
    assert CALENDAR.first_missing_year() == 2027
    assert WorkCalendar(read_notices(OWN)).first_missing_year() == 2028
    assert [CALENDAR.covers(year) for year in (2003, 2004, 2026, 2027)] == [False, True, True, False]


def test_the_make_up_saturday_that_the_library_has_wrong() -> None:
    assert is_workday(date(2005, 12, 31))
    assert not is_workday(date(2005, 12, 24))


@pytest.mark.parametrize("days", [0, -1])
def test_a_limit_has_at_least_one_day(days: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.calendar_due(date(2024, 1, 1), days)
    with pytest.raises(ValueError, match="at least one"):
        CALENDAR.workday_due(date(2024, 1, 1), days)


@given(covered, st.integers(1, 90))
def test_a_calendar_limit_ends_on_the_first_worked_day_not_before_its_last(start: date, days: int) -> None:
    due, last = CALENDAR.calendar_due(start, days).day, start + timedelta(days=days)
    assert is_workday(due)
    assert due >= last
    assert not any(is_workday(last + timedelta(days=passed)) for passed in range((due - last).days))


@given(covered, st.integers(1, 40))
def test_exactly_so_many_days_are_worked_up_to_a_working_day_limit(start: date, days: int) -> None:
    due = CALENDAR.workday_due(start, days).day
    passed = [start + timedelta(days=number) for number in range(1, (due - start).days + 1)]
    assert sum(map(is_workday, passed)) == days
    assert is_workday(due)


def test_an_own_notice_covers_its_year_and_the_december_before() -> None:
    calendar = WorkCalendar(read_notices(OWN))
    assert not calendar.is_workday(date(2027, 1, 1))
    assert not calendar.is_workday(date(2027, 1, 4))
    assert calendar.is_workday(date(2027, 1, 5))
    assert calendar.is_workday(date(2027, 1, 9))
    assert not calendar.is_workday(date(2027, 1, 10))
    assert calendar.is_workday(date(2026, 12, 26))
    assert calendar.calendar_due(date(2026, 12, 30), 1) == LimitEnd(date(2027, 1, 5))
    assert calendar.calendar_due(date(2027, 12, 30), 3) == LimitEnd(date(2028, 1, 3), 2028)


SOUND = "years: {2027: {source: x, issued: 2026-11-25, holidays: [2027-01-01, 2027-01-02], workdays: [2027-01-09]}}"


def damaged(text: str, instead: str) -> str:
    """Return a sound table with one thing wrong."""
    assert text in SOUND
    return SOUND.replace(text, instead)


@pytest.mark.parametrize(
    "text",
    [
        damaged("source: x", ""),
        damaged("source: x", "source: ' '"),
        damaged("source: x", "source: 7"),
        damaged("issued: 2026-11-25", ""),
        damaged("issued: 2026-11-25", "issued: soon"),
        damaged("2027-01-01", "soon"),
        damaged("2027-01-01", ""),  # a year without a holiday
        damaged("2027-01-01", "2028-01-01"),  # another year's day
        damaged("2027-01-09", "2027-01-11"),  # a Monday is worked anyway
        damaged("2027-01-09", "2027-01-02"),  # off and worked
        damaged("workdays: [2027-01-09]", ""),
        damaged("workdays", "work_days"),
        damaged("2027:", "soon:"),
        "years: [",
        "",
    ],
)
def test_a_damaged_table_is_a_fault_and_nothing_of_it_is_used(text: str) -> None:
    with pytest.raises(Fault, match="calendar_damaged"):
        read_notices(text)


def test_the_table_that_the_damage_is_done_to_is_sound() -> None:
    assert 2027 in read_notices(SOUND)
