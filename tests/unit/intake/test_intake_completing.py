"""The last day to apply for judicial confirmation is counted with the calendar of holidays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from hub.lifecycle import Agree, DateName, ProvisionalDate, Span, State, decide
from hub.runtime.calendars import WorkCalendar
from services.intake.domain.completing import complete
from services.intake.domain.registration import Rulebook
from tests.support.intake import LIMITS, RULES
from tests.support.lifecycle import AGREE, START, command, reach

BOOK = Rulebook(RULES, LIMITS, WorkCalendar({}))
QINGMING = START.replace(day=5)
"""30 days later is 4 April 2024: a holiday until the 6th; Sunday the 7th is worked."""


def test_the_last_day_to_apply_is_moved_off_a_holiday() -> None:
    mediating = reach(State.MEDIATING).state
    completed = complete(command(AGREE, at=QINGMING), mediating, "", BOOK)
    (event,) = decide(mediating, completed)
    assert event.particulars.confirm_by == date(2024, 4, 7)


@pytest.mark.parametrize("told", [replace(AGREE, confirm_by=date(2024, 4, 9)), replace(AGREE, confirmable=False)])
def test_what_the_caller_says_stands_and_what_has_no_end_gets_none(told: Agree) -> None:
    asked = command(told, at=QINGMING)
    assert complete(asked, reach(State.MEDIATING).state, "", BOOK) == asked


def test_a_day_in_a_year_without_a_table_is_filled_in_and_marked() -> None:
    asked = command(AGREE, at=START.replace(year=2098))
    completed = complete(asked, reach(State.MEDIATING).state, "", BOOK)
    mark = ProvisionalDate(DateName.CONFIRM_BY, date(2098, 3, 31), date(2098, 3, 1), (Span(30),), 2098)
    assert completed.counted == (mark,)
    assert completed.instruction == replace(AGREE, confirm_by=mark.day)
