"""What commands print, wherever stdout leads: the real program, and tables on narrow terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from hub.runtime import stdio
from ops.console import output
from ops.run.books import Books, Stage
from ops.run.tables import books_table
from tests.support.scenarios import FOLDER

CHECK = ("scenario", "check", str(FOLDER / "small.yaml"))
COMMANDS = [(*CHECK, "--json"), ("--help",)]
FULL = Path("/dev/full")
ADDRESS, URL = "127.0.0.1:45678", "http://127.0.0.1:45679"


def hub(*words: str, stdout: int, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
        timeout=60,
        check=False,
    )


@contextmanager
def unread() -> Iterator[int]:
    """Yield a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_reader_that_has_gone_ends_a_command_quietly(words: tuple[str, ...]) -> None:
    with unread() as pipe:
        done = hub(*words, stdout=pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full device")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_full_device_is_one_line_on_stderr(words: tuple[str, ...]) -> None:
    with FULL.open("wb") as full:
        done = hub(*words, stdout=full.fileno())
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["标准输出无法写入 standard output can't be written: No space left on device"]


@pytest.mark.parametrize("words", [CHECK, (*CHECK, "--json")], ids=" ".join)
def test_a_closed_stdout_is_one_line_on_stderr(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" -m ops "$@" >&-', sys.executable, *words],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["标准输出无法写入 standard output can't be written: Bad file descriptor"]


def test_a_stderr_that_takes_nothing_changes_no_exit_code() -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ops", "status", "--run", "/nowhere"], stderr=full, timeout=60, check=False
        )
    assert done.returncode == 2


def test_an_ascii_stdout_gets_text_with_replacements_and_whole_json() -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    text = hub(*CHECK, stdout=subprocess.PIPE, env=ascii_only)
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.isascii()
    document = hub(*CHECK, "--json", stdout=subprocess.PIPE, env=ascii_only)
    assert document.stdout.isascii()
    assert json.loads(document.stdout) == json.loads(hub(*CHECK, "--json", stdout=subprocess.PIPE).stdout)


def test_a_command_that_goes_on_is_not_ended_by_a_line_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwritable(*_words: object, **_how: object) -> None:
        raise stdio.Unwritable(OSError(28, "No space left on device"))

    monkeypatch.setattr(Console, "print", unwritable)
    output.line_printer()("restarted")


def status_table() -> Table:
    table = Table()
    for column in ("进程 process", "状态 state", "gRPC", "HTTP", "待发 unsent", "丢弃重复 repeats", "补取 gaps"):
        table.add_column(column)
    table.add_row("petition_bridge", "[red]无应答 no answer[/]", ADDRESS, URL, "1000000", "1000000", "1000000")
    return table


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200])
@pytest.mark.parametrize("make", [status_table, lambda: books_table(Books((Stage("journal", *[10**9] * 9),), 0, 0))])
def test_no_word_of_a_cell_is_ever_cut(
    make: object, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(make)
    monkeypatch.setattr(output, "WIDE", width)
    table = make()
    words = [word for column in table.columns for cell in column.cells for word in str(cell).split()]
    output.show(table)
    shown = capsys.readouterr().out
    assert "…" not in shown
    for word in words:
        assert word.removeprefix("[red]").removesuffix("[/]") in shown
    assert not any(" [/]" in line for line in shown.splitlines())


def test_a_table_that_fits_stays_a_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(output, "WIDE", 200)
    output.show(status_table())
    (line,) = (line for line in capsys.readouterr().out.splitlines() if ADDRESS in line)
    assert URL in line
