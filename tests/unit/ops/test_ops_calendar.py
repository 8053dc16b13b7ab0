"""`hub calendar`: what is wrong with a table is said before it is put into force."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.console.exits import CommandError, Exit
from ops.run.calendar import app, reach

SOUND = """
years:
  2027:
    source: made up for this test
    issued: 2026-11-25
    holidays: [2027-01-01, 2027-01-02]
    workdays: [2027-01-09]
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "2027.yaml"
    path.write_text(SOUND, encoding="utf-8")
    return path


def test_a_sound_table_is_summed_up(table: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(table)])
    assert result.exit_code == 0
    assert "2027.yaml: 2027  放假 2 天 days off, 调休上班 1 天 make-up days" in result.stdout


@pytest.mark.parametrize("damage", [("2027-01-09", "2027-01-11"), ("issued: 2026-11-25", ""), ("years", "jahre")])
def test_a_damaged_table_is_refused_with_its_name(table: Path, damage: tuple[str, str]) -> None:
    table.write_text(SOUND.replace(*damage), encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(table)])
    assert result.exit_code == Exit.DIFFERENCE
    assert "2027.yaml" in result.output
    with pytest.raises(CommandError):
        reach(table.parent)


def test_a_year_is_shown_by_days(table: Path) -> None:
    missing = CliRunner().invoke(app, ["show", "2027"])
    assert missing.exit_code == Exit.DIFFERENCE
    assert "2027 年的节假日表" in missing.output
    shown = CliRunner().invoke(app, ["show", "2027", "--file", str(table)])
    assert "工作日放假 working days off: 2027-01-01\n" in shown.stdout
    assert "周末上班 weekend days worked: 2027-01-09\n" in shown.stdout


def test_how_far_the_tables_of_a_folder_reach(table: Path) -> None:
    assert "缺 2028 年的表" in reach(table.parent)
    assert "缺 2027 年的表" in reach(table.parent / "nowhere")
