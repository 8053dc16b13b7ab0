"""By which business time records were written, and one rule change at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.store.instants import EPOCH
from services.intake.dry_run.outcome import CaseOutcome, differences
from services.intake.dry_run.recording import Chronology
from services.intake.law.rule_changes import changes, with_one
from tests.support.county_rules import WEEKS, book_of, write
from tests.support.intake import BOOK

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2024, 3, 5, tzinfo=UTC)
WALL = datetime(2026, 11, 20, tzinfo=UTC)
MOVES = Chronology("scenario", FIRST + DAY, moves=(FIRST, FIRST + DAY), moved=(WALL, WALL + HOUR))
BY_WALL = Chronology("wall", FIRST + DAY, grace=timedelta(minutes=1))
ROWS = """exclusions:
  - id: nature_of_case
    zh: 改
    en: changed
    reason_code: nature_excludes
    channels: [court]
    fact: circumstances
    values: [nature_excludes]
    clause: "a test"
  - id: claims
    zh: 新
    en: added
    reason_code: handled_above
    fact: purpose
    values: [claim]
    clause: "a test"
without:
  exclusions: [payment_order]
representatives: 4
"""


@pytest.mark.parametrize(
    ("recorded", "business"),
    [(WALL - HOUR, EPOCH), (WALL, FIRST), (WALL + HOUR - DAY / 1000, FIRST), (WALL + 2 * HOUR, FIRST + DAY)],
)
def test_the_scenario_clock_stood_where_it_was_moved_to_last(recorded: datetime, business: datetime) -> None:
    assert MOVES.written(recorded) == business
    assert BY_WALL.written(recorded) == recorded


def test_a_timer_rings_at_the_next_move_of_the_scenario_clock() -> None:
    assert MOVES.ring(FIRST - DAY, EPOCH) == FIRST
    assert MOVES.ring(FIRST - DAY, FIRST) == FIRST + DAY, "it was set after that move"
    assert MOVES.ring(FIRST + 2 * DAY, EPOCH) is None


def test_a_timer_rings_late_by_its_grace_on_the_wall_clock() -> None:
    assert BY_WALL.ring(FIRST, EPOCH) == FIRST + timedelta(minutes=1)
    assert BY_WALL.ring(FIRST, FIRST + HOUR) == FIRST + HOUR
    assert BY_WALL.ring(FIRST + DAY, FIRST) is None


def test_each_change_alone_is_the_only_one(tmp_path: Path) -> None:
    changed = book_of(write(tmp_path, screening=ROWS, deadlines=WEEKS))
    every = tuple(changes(BOOK, changed))
    assert {change.kind for change in every} == {"added", "replaced", "taken_away", "value"}
    for change in every:
        assert tuple(changes(BOOK, with_one(BOOK, changed, change))) == (change,)


def test_all_changes_one_after_the_other_are_the_changed_rules(tmp_path: Path) -> None:
    changed = book_of(write(tmp_path, screening=ROWS, deadlines=WEEKS))
    book = BOOK
    for change in changes(BOOK, changed):
        book = with_one(book, changed, change)
    assert (book.screening, book.deadlines) == (changed.screening, changed.deadlines)


def test_differences_name_both_values() -> None:
    before = CaseOutcome("accepted", "", "a", "agreed", "agreement", {"due_on": "2024-04-01", "sign_by": "2024-03-08"})
    after = CaseOutcome(
        "accepted", "", "a", "failed", "term_expired", {"due_on": "2024-03-25", "screen_by": "2024-03-07"}
    )
    assert differences(before, after) == {
        "state": ("agreed", "failed"),
        "result": ("agreement", "term_expired"),
        "due_on": ("2024-04-01", "2024-03-25"),
        "screen_by": ("", "2024-03-07"),
        "sign_by": ("2024-03-08", ""),
    }
