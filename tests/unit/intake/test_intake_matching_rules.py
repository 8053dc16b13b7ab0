"""The rules of matching are taken whole or not at all, and none lets two loans become one silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import Fault
from services.intake.law.matching import MatchReason
from services.intake.law.matching_rules import load_matching
from services.intake.law.rule_files import RULES_DIR

TEXT = (RULES_DIR / "matching.yaml").read_text(encoding="utf-8")


def test_the_file_in_force_has_a_row_for_each_reason() -> None:
    rules = load_matching()
    assert [*rules.rows] == [*MatchReason]
    assert rules.version.startswith("matching-")
    assert rules.rows[MatchReason.OTHER_SUBJECT].points < 0


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("id: same_town,", "id: same_street,", "rows.12.id"),
        ("id: same_town,", "id: same_village,", "each of these needs one row"),
        ("points: 50", "points: much", "rows.0.points"),
        ("sure: 80", "sure: 50", "likely may not be above sure"),
        ("sure: 80", "sure: 79", "with one hint may not be sure"),
        ("near_happened_on, points: 10", "near_happened_on, points: 11", "with one hint may not be sure"),
        ("near_days: 3", "near_days: 30\nother: 1", "other"),
        ("other_days: 30", "other_days: 2", "near_days may not be above other_days"),
        ("same_subject, points: 40", "same_subject, points: -1", "may not speak against"),
        ("other_amount, points: -30", "other_amount, points: 1", "may not speak for"),
        ("incomplete_sides, points: 0", "incomplete_sides, points: 5", "have no points"),
        ("rows:", "rows: [", "cannot be read"),
    ],
)
def test_a_faulty_file_is_refused_whole(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in TEXT
    file = tmp_path / "matching.yaml"
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Fault, match=rf"rules_invalid: matching\.yaml.*{why}"):
        load_matching(file)
