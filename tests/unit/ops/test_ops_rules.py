"""`hub rules check`: a county sees what its rules change, or every error, before intake reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.console.exits import CommandError, Exit
from ops.run.rules import app, settings_of, state_of
from tests.support.county_rules import WEEKS, write
from tests.support.tree import ROOT

RUNNER = CliRunner()


def test_the_help_is_chinese_first() -> None:
    for command in (["--help"], ["check", "--help"]):
        assert any("本县规则" in line or "规则目录" in line for line in RUNNER.invoke(app, command).stdout.splitlines())


def test_what_differs_is_shown_by_section_and_row(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["check", str(write(tmp_path, deadlines=f"{WEEKS}reminder_percent: 50\n"))])
    assert result.exit_code == Exit.OK
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "版本 version: rules-2026.2+test-1" in lines
    assert any("reminder_percent" in line and "80 │ 50" in line for line in lines)
    assert any("window_weeks" in line and "增加 added" in line for line in lines)
    assert any("days" in line and "- │ 14" in line for line in lines)


def test_the_same_as_json(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["check", str(write(tmp_path, deadlines="reminder_percent: 50")), "--json"])
    found = json.loads(result.stdout)
    assert (found["version"], found["problems"]) == ("rules-2026.2+test-1", [])
    assert found["county"] == {"version": "test-1", "county": ["620725"], "basis": "made up for a test"}
    (change,) = found["changes"]
    assert (change["section"], change["before"], change["after"]) == (
        "reminder_percent",
        {"reminder_percent": 80},
        {"reminder_percent": 50},
    )


def test_every_error_is_shown_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, deadlines=WEEKS.replace("14", "0"), screening="exclusions: [3]")
    result = RUNNER.invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == Exit.DIFFERENCE
    assert f"{tmp_path / 'deadlines.yaml'}:7: terms[window_weeks].days: 应为整数，>= 1 / " in result.stderr
    assert f"{tmp_path / 'screening.yaml'}:1: exclusions[1]: 应为一组字段 / " in result.stderr
    assert result.stdout == ""
    told = RUNNER.invoke(app, ["check", str(tmp_path), "--json"])
    assert told.exit_code == Exit.DIFFERENCE
    assert [problem["line"] for problem in json.loads(told.stdout)["problems"]] == [7, 1]


def test_a_folder_without_difference_and_none_at_all(tmp_path: Path) -> None:
    assert "没有差别" in RUNNER.invoke(app, ["check", str(write(tmp_path))]).stdout
    gone = RUNNER.invoke(app, ["check", str(tmp_path / "gone")])
    assert gone.exit_code == Exit.DIFFERENCE
    assert "没有这个目录" in gone.stderr


def test_a_run_has_rules_when_they_have_a_head(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    assert settings_of(tmp_path) == {}
    assert "the package's rules alone" in state_of(tmp_path)
    folder = write(tmp_path / "rules")
    assert settings_of(tmp_path) == {"HUB_RULES_DIR": str(folder)}
    assert state_of(tmp_path) == "rules-2026.2+test-1"
    write(folder, deadlines="terms: 3")
    with pytest.raises(CommandError, match=r"deadlines\.yaml:1: terms: 应为列表"):
        state_of(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["recover"]])
def test_intake_ends_as_for_wrong_settings_when_its_rules_are_faulty(tmp_path: Path, arguments: list[str]) -> None:
    folder = write(tmp_path / "rules", deadlines=WEEKS.replace("14", "0"), screening="exclusions: [3]")
    settings = {
        "HUB_STORE_URL": f"sqlite:///{tmp_path / 'intake.db'}",
        "HUB_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "HUB_KEYS_DIR": str(tmp_path / "keys"),
        "HUB_GRPC_PORT": "0",
        "HUB_HTTP_PORT": "0",
        "HUB_RULES_DIR": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.intake", *arguments],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "deadlines.yaml:7: terms[window_weeks].days" in done.stderr
    assert "screening.yaml:1: exclusions[1]" in done.stderr
    assert not (tmp_path / "intake.db").exists()
