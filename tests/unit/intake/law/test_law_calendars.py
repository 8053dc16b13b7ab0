"""Both calendars: ends on holidays and make-up days, and a year whose holidays nobody knows yet."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from dispute.calendar.working_days import WorkCalendar
from dispute.lifecycle import DateName, ProvisionalDate, Span
from services.intake.law.deadlines import last_day
from services.intake.law.timers import Step, following, instructions_at, running, waits_for
from tests.support.intake import BOOK, suit
from tests.support.law import LegalCase, mediating

CALENDAR = WorkCalendar({})
DECEMBER = suit(received_on=date(2026, 12, 1), sent_on=date(2026, 12, 1))


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        pytest.param("2024-03-04", 7, "2024-03-11", id="a plain week"),
        pytest.param("2024-03-01", 30, "2024-04-01", id="ends on a Sunday"),
        pytest.param("2024-03-05", 30, "2024-04-07", id="ends on Qingming, the Sunday after is worked"),
        pytest.param("2024-04-01", 30, "2024-05-06", id="ends in the May holidays"),
        pytest.param("2024-04-26", 15, "2024-05-11", id="ends on a Saturday that is worked"),
        pytest.param("2024-09-01", 30, "2024-10-08", id="ends in the National holidays"),
        pytest.param("2024-12-02", 30, "2025-01-02", id="ends on New Year's Day"),
        pytest.param("2025-01-21", 7, "2025-02-05", id="ends at Spring Festival"),
        pytest.param("2024-02-28", 1, "2024-02-29", id="the leap day"),
        pytest.param("2024-05-01", 1, "2024-05-06", id="begins and ends on days off"),
    ],
)
def test_calendar_days_leave_out_the_first_and_move_an_end_off_a_day_off(start: str, days: int, due: str) -> None:
    counted = last_day(DateName.DUE_ON, date.fromisoformat(start), (Span(days),), CALENDAR)
    assert (counted.day.isoformat(), counted.mark) == (due, None)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        pytest.param("2024-03-04", 3, "2024-03-07", id="within a week"),
        pytest.param("2024-03-07", 3, "2024-03-12", id="over a weekend"),
        pytest.param("2024-04-30", 3, "2024-05-08", id="over the May holidays"),
        pytest.param("2024-05-09", 5, "2024-05-15", id="a make-up Saturday counts"),
        pytest.param("2024-04-26", 2, "2024-04-29", id="a make-up Sunday counts"),
        pytest.param("2024-09-30", 1, "2024-10-08", id="over the National holidays"),
        pytest.param("2025-01-26", 3, "2025-02-06", id="over Spring Festival"),
        pytest.param("2024-05-01", 1, "2024-05-06", id="from a day off"),
    ],
)
def test_working_days_leave_out_the_first_and_every_day_off(start: str, days: int, due: str) -> None:
    counted = last_day(DateName.SIGN_BY, date.fromisoformat(start), (Span(days, working=True),), CALENDAR)
    assert (counted.day.isoformat(), counted.mark) == (due, None)


def test_the_same_limit_ends_on_other_days_in_the_two_calendars() -> None:
    start = date(2024, 3, 7)
    calendar, working = (last_day(DateName.DUE_ON, start, (Span(5, each),), CALENDAR).day for each in (False, True))
    assert (calendar, working) == (date(2024, 3, 12), date(2024, 3, 14))


def test_a_term_that_reaches_a_year_without_a_table_is_provisional_and_nothing_is_late_on_it() -> None:
    case = LegalCase(DECEMBER)
    for step in mediating("2026-12-18"):
        case.step(step)
    # Regime B: fifteen days from a Friday end on Saturday, 2 January 2027; only the weekend is known to be off.
    due = date(2027, 1, 4)
    mark = ProvisionalDate(DateName.DUE_ON, due, date(2026, 12, 18), (Span(15),), 2027)
    assert (case.known.cohort.due_on, case.known.provisional) == (due, (mark,))
    reminder, now = case.timers["due_on"], running(case.known, BOOK)
    assert not now["due_on"].certain
    assert waits_for(reminder, now)
    assert instructions_at(replace(reminder, step=Step.OVERDUE), case.known, BOOK) == ()
    assert following(reminder, case.known, now, BOOK) is None
