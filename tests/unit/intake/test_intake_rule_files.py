"""Rule files are taken whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hub.errors import Fault
from services.intake.law.rule_files import RULES_DIR, load_deadlines, load_screening


def changed(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = (RULES_DIR / name).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_files_in_force_load() -> None:
    assert load_screening().version.startswith("screening-")
    assert load_deadlines().terms


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("reason_code: special_procedure", "reason_code: Special Procedure"),
        ("fact: procedure", "fact: divert"),
        ("values: [special]", "values: []"),
        ("channels: [court]", "channels: [courts]"),
        ("clause: ", "clauses: "),
        ("version: ", "version: ?"),
        ("valid_until: 2024-12-31", "valid_until: 2024-12-32"),
        ('- { channel: "", regime: "", clause', '- { channel: app, regime: "", clause'),
        ("regimes:", "regimes: ["),
    ],
)
def test_a_faulty_screening_file_is_refused_whole(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(Fault, match="rules_invalid"):
        load_screening(changed(tmp_path, "screening.yaml", old, new))


def test_a_reason_that_the_catalogue_does_not_have_is_named(tmp_path: Path) -> None:
    file = changed(tmp_path, "screening.yaml", "reason_code: special_procedure", "reason_code: unheard_of")
    with pytest.raises(Fault, match=r"rules_invalid: .*exclusions\.0\.reason_code: .*unheard_of is no reason"):
        load_screening(file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("days: 30", "days: 0"),
        ("count: calendar", "count: moon"),
        ("reminder_percent: 80", "reminder_percent: 100"),
        ("channels: [petition]", "channels: []"),
        ("limit: statutory", "limit: local"),
        ('once: true, clause: "信访工作条例 34"', f'once: true, clause: "{"x" * 121}"'),
        ("kind: mediation, channel: court, regime: A", "kind: extension, channel: court, regime: A"),
        ('kind: mediation, channel: ""', "kind: mediation, channel: app"),
        ('channel: "", days: 5', "channel: app, days: 5"),
    ],
)
def test_a_faulty_deadline_file_is_refused_whole(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(Fault, match="rules_invalid"):
        load_deadlines(changed(tmp_path, "deadlines.yaml", old, new))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"gone\.yaml"):
        load_screening(tmp_path / "gone.yaml")


def test_every_exclusion_names_its_clause() -> None:
    file = yaml.safe_load((RULES_DIR / "screening.yaml").read_text(encoding="utf-8"))
    assert all(row["clause"].strip() for row in file["exclusions"])
