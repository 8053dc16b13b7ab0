"""Legal time limits over real Chinese holidays; the expected days were read off the State Council's notices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Fault, Rejected
from hub.runtime.calendars import (
    Notice,
    WorkCalendar,
    calendar_due,
    is_workday,
    national,
    read_notices,
    workday_due,
)

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
    assert calendar_due(start, days) == due


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
    assert workday_due(start, days) == due


def test_a_year_without_a_table_is_refused_and_never_guessed() -> None:
    for late in (
        lambda: calendar_due(date(2026, 12, 15), 30),
        lambda: workday_due(date(2026, 12, 30), 5),
        lambda: is_workday(date(2027, 1, 4)),
        lambda: is_workday(date(2003, 12, 31)),
    ):
        with pytest.raises(Rejected) as refused:
            late()
        assert refused.value.code == "calendar_missing"
    assert calendar_due(date(2026, 12, 30), 1) == date(2026, 12, 31)


@pytest.mark.parametrize("days", [0, -1])
def test_a_limit_has_at_least_one_day(days: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        calendar_due(date(2024, 1, 1), days)
    with pytest.raises(ValueError, match="at least one"):
        workday_due(date(2024, 1, 1), days)


@given(covered, st.integers(1, 90))
def test_a_calendar_limit_ends_on_the_first_worked_day_not_before_its_last(start: date, days: int) -> None:
    due, last = calendar_due(start, days), start + timedelta(days=days)
    assert is_workday(due)
    assert due >= last
    assert not any(is_workday(last + timedelta(days=passed)) for passed in range((due - last).days))


@given(covered, st.integers(1, 40))
def test_exactly_so_many_days_are_worked_up_to_a_working_day_limit(start: date, days: int) -> None:
    due = workday_due(start, days)
    passed = [start + timedelta(days=number) for number in range(1, (due - start).days + 1)]
    assert sum(map(is_workday, passed)) == days
    assert is_workday(due)


OWN = """
years:
  2027:
    source: "国办发明电〔0000〕0号 (made up for this test)"
    holidays: ["2027-01-01", 2027-01-04, "2026-12-31"]
    workdays: ["2027-01-09", "2026-12-26"]
"""


def test_an_own_notice_covers_its_year_and_the_december_before() -> None:
    calendar = WorkCalendar(read_notices(OWN))
    assert not calendar.is_workday(date(2027, 1, 1))
    assert not calendar.is_workday(date(2027, 1, 4))
    assert calendar.is_workday(date(2027, 1, 5))
    assert calendar.is_workday(date(2027, 1, 9))
    assert not calendar.is_workday(date(2027, 1, 10))
    assert calendar.is_workday(date(2026, 12, 26))
    assert calendar.calendar_due(date(2026, 12, 30), 1) == date(2027, 1, 5)
    with pytest.raises(Rejected):
        calendar.is_workday(date(2028, 1, 3))


@pytest.mark.parametrize(
    "text",
    [
        "years: {2027: {holidays: [], workdays: []}}",
        "years: {2027: {source: ' ', holidays: [], workdays: []}}",
        "years: {2027: {source: x, holidays: ['soon'], workdays: []}}",
        "years: {2027: {source: x, holidays: []}}",
        "years: {2027: {source: 7, holidays: [], workdays: []}}",
        "years: [",
        "",
    ],
)
def test_a_damaged_table_is_a_fault_and_nothing_of_it_is_used(text: str) -> None:
    with pytest.raises(Fault, match="calendar_damaged"):
        read_notices(text)


def test_the_packages_own_table_reads_and_names_its_sources() -> None:
    assert all(isinstance(notice, Notice) and notice.source for notice in national().notices.values())
