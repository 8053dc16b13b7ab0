"""The rules of matching are taken whole or not at all, and none lets two loans become one silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.intake.law.matching import MatchReason
from services.intake.law.rule_files import read_folder, rules_of
from tests.support.county_rules import CALENDAR, book_of, write
from tests.support.intake import BOOK

RULES = BOOK.matching


def row(name: str, points: str = "0") -> str:
    return f'rows:\n  - id: {name}\n    zh: 试\n    en: a test\n    points: {points}\n    clause: "a test"\n'


def errors(folder: Path, matching: str) -> list[str]:
    """Return the errors of a county's file, as people read them."""
    found = rules_of(read_folder(write(folder, matching=matching)), CALENDAR)
    assert isinstance(found, tuple)
    return [problem.text() for problem in found]


def test_the_file_in_force_has_a_row_for_each_reason() -> None:
    assert [row.id for row in RULES.rows] == [*MatchReason]
    assert RULES.row_of["other_subject"].points < 0


def test_every_row_says_that_its_points_are_local() -> None:
    assert all("to be confirmed" in row.clause for row in RULES.rows)


FAULTS = {
    # what the county writes, where the error is, and a word of its text
    "an unknown reason": (row("same_street"), "matching.yaml:1: rows", "each of these needs one row"),
    "a reason less": ("without:\n  rows: [same_town]", "matching.yaml:2: rows", "each of these needs one row"),
    "points that are no number": (row("same_town", "much"), "matching.yaml:5: rows[same_town].points", "整数"),
    "too many points": (row("same_subject", "201"), "matching.yaml:5: rows[same_subject].points", "<= 200"),
    "no clause": (row("same_town").rpartition("    clause")[0], "matching.yaml:2: rows[same_town].clause", "缺少"),
    "nothing sure is likely": ("sure: 50", "matching.yaml:1: sure", "likely may not be above sure"),
    "all that is likely is sure": ("likely: 81", "matching.yaml:1: likely", "likely may not be above sure"),
    "one hint is sure": ("sure: 79", "matching.yaml:1: sure", "with one hint may not be sure"),
    "a hint of more weight": (row("near_happened_on", "11"), "matching.yaml:1: rows", "with one hint may not be sure"),
    "a place of more weight": (row("same_village", "3"), "matching.yaml:1: rows", "with one hint may not be sure"),
    "a field that nobody knows": ("other: 1", "matching.yaml:1: other", "no such field"),
    "others that are near": ("other_days: 2", "matching.yaml:1: other_days", "near_days may not be above other_days"),
    "near ones that are others": ("near_days: 30\nother_days: 29", "matching.yaml:1: near_days", "不得大于 other_days"),
    "the same against it": (row("same_subject", "-1"), "matching.yaml:1: rows", "may not speak against"),
    "some people against it": (row("some_parties", "-1"), "matching.yaml:1: rows", "may not speak against"),
    "another for it": (row("other_amount", "1"), "matching.yaml:1: rows", "may not speak for"),
    "points for who is not known": (row("incomplete_sides", "5"), "matching.yaml:1: rows", "have no points"),
    "points for a late one": (row("outside_window", "-5"), "matching.yaml:1: rows", "have no points"),
    "no YAML": ("rows: [", "matching.yaml:2", "YAML"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_refused_whole(tmp_path: Path, fault: str) -> None:
    text, place, words = FAULTS[fault]
    found = errors(tmp_path, text)
    assert any(each.startswith(f"{place}: ") and words in each for each in found), found
    assert all(each.startswith("matching.yaml:") for each in found)


def test_a_county_weighs_a_reason_for_itself(tmp_path: Path) -> None:
    book = book_of(write(tmp_path, matching=f"sure: 90\n{row('same_town', '4')}"))
    assert (book.matching.sure, book.matching.row_of["same_town"].points) == (90, 4)
    assert [row.id for row in book.matching.rows] == [*MatchReason]
    assert book.version == f"{BOOK.version}+test-1"
