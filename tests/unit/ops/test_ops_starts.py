"""What an operator reads and finds when a start fails, a service dies, or the console is small."""

from __future__ import annotations

import io
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from ops.cli.main import app
from ops.console.exits import CommandError, Exit
from ops.play.progress import RunProgress
from ops.play.scenarios.expected import Sums, rates
from ops.play.screen import Screen
from ops.run.books import Books, Stage
from ops.run.children import LAST_WORDS, Child, cause_of
from ops.run.launcher import SERVICES, files_of
from ops.run.rates import CHANNELS
from ops.run.run_folder import run_folder

SMALL = (80, 24)
LARGE = (110, 60)


def child(folder: Path) -> Child:
    return Child("intake", 1, {"HUB_GRPC_PORT": "1", "HUB_HTTP_PORT": "2"}, folder)


@pytest.mark.parametrize(
    ("exit_code", "told"), [(137, "signal SIGKILL"), (-15, "signal SIGTERM"), (70, "exit code 70"), (0, "exit code 0")]
)
def test_a_death_is_told_with_its_cause(exit_code: int, told: str) -> None:
    assert cause_of(exit_code).endswith(told)


def test_an_obituary_says_how_to_go_on(tmp_path: Path) -> None:
    dead = child(tmp_path)
    dead.log.parent.mkdir()
    dead.log.write_text("".join(f"line {number} of the log\n" for number in range(500)))
    text = str(dead.obituary())
    assert dead.last_words().startswith("line ")
    assert len(dead.last_words()) <= LAST_WORDS
    assert text.startswith(dead.last_words())
    assert f"hub up --folder {tmp_path}" in text
    assert str(dead.log) in text
    assert "stopped" in text


@pytest.mark.parametrize("log", ["short\n", "x" * (LAST_WORDS + 5)])
def test_last_words_are_never_nothing(tmp_path: Path, log: str) -> None:
    dying = child(tmp_path)
    assert dying.last_words() == ""
    dying.log.parent.mkdir()
    dying.log.write_text(log)
    assert dying.last_words() == log.strip()[-LAST_WORDS:]


@pytest.mark.parametrize(
    "bootstrap", ["nonsense", "host:", ":9092", "host:0", "host:99999", "a:1,b", "http://a:1", "a:1,"]
)
@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_wrong_bootstrap_is_refused_at_once(
    bootstrap: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_KAFKA", "external")
    monkeypatch.setenv("HUB_KAFKA_BOOTSTRAP", bootstrap)
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == Exit.USAGE
    assert "host:port[,host:port]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def fail_in(folder: Path | None, keep: str) -> Path:
    made = []
    with suppress(CommandError), run_folder(folder) as place:
        made.append(place)
        if keep:
            (place / keep).parent.mkdir(exist_ok=True)
            (place / keep).touch()
        raise CommandError(Exit.TIMED_OUT, "no broker")
    return made[0]


@pytest.mark.parametrize(
    ("keep", "stays"), [("", False), ("credentials/api-keys.json", False), ("logs/intake.log", True)]
)
def test_a_failed_start_leaves_no_empty_folder(
    keep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stays: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    assert fail_in(None, keep).exists() is stays
    assert fail_in(tmp_path / "named", keep).exists() is stays


def test_a_named_folder_is_closed_to_others_and_stays(tmp_path: Path) -> None:
    named = tmp_path / "open"
    named.mkdir(mode=0o755)
    assert fail_in(named, "").is_dir()
    assert stat.S_IMODE(named.stat().st_mode) == 0o700


def picture(size: tuple[int, int]) -> list[str]:
    width, height = size
    console = Console(width=width, height=height, force_terminal=True, color_system=None, file=io.StringIO())
    progress = RunProgress(tick=4, ticks=10, line="playing")
    progress.rates = rates(dict.fromkeys(CHANNELS, Sums(2438, 1907, 1407, 400)))
    stages = [Stage(f"court_bridge → intake {at}", 22000, 22000, 0, 0, 0, 0, 0, 0, 0) for at in range(7)]
    progress.books = Books(tuple(stages), 0, 0)
    console.print(Screen(console, progress)._picture())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_rates_and_books_are_always_on_the_screen(size: tuple[int, int]) -> None:
    lines = picture(size)
    assert len(lines) <= size[1]
    assert any("1407/1907" in line for line in lines)
    assert any("账目 books" in line for line in lines)
    assert any("吞吐 throughput" in line for line in lines) is (size == LARGE)


def test_the_bar_has_a_line_of_its_own() -> None:
    (bar,) = [line for line in picture(SMALL) if "━" in line]
    assert set(bar.strip()) <= set("━╸╺")


def test_bridges_and_intake_read_the_county_s_divisions_of_the_run_folder(tmp_path: Path) -> None:
    assert [name for name in SERVICES if "HUB_DIVISIONS_FILE" in files_of(name, tmp_path)] == []
    (tmp_path / "divisions.yaml").touch()
    told = {name: files_of(name, tmp_path).get("HUB_DIVISIONS_FILE") for name in SERVICES}
    assert told == {name: None if name == "stats" else str(tmp_path / "divisions.yaml") for name in SERVICES}
