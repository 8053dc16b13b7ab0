"""Files of secrets and of the audit: their owner's alone from the first byte, and never half a file under the name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from hub.audit.chain import AuditEntry, append, begin
from hub.errors import Retryable
from hub.refusals import STORE_UNAVAILABLE
from hub.store.migrate import migrate
from hub.store.store import Store
from ops.console import output
from ops.console.exits import CommandError, Exit
from ops.repair.audit import AuditLine, progress, write_lines
from ops.run.credentials import private_file, write_private

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)
COUNT = 5000


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Nothing but the code keeps others out."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in folder.iterdir()]


def test_a_file_has_its_name_when_all_is_written_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    with private_file(path) as file:
        assert modes(tmp_path) == [0o600]
        file.write("证\n")
        file.flush()
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "证\n"
    assert modes(tmp_path) == [0o600]


def test_a_file_of_before_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.token"
    path.write_text("before")

    def half() -> None:
        with private_file(path) as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]
    write_private(path, "after")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["after"]
    assert modes(tmp_path) == [0o600]


def lines(count: int = COUNT) -> Iterator[AuditLine]:
    for number in range(1, count + 1):
        yield AuditLine("intake", number, AuditEntry(AT, "call", holder="clerk-1", about=(f"d-{number}",)))


def test_entries_go_to_the_file_as_they_come(tmp_path: Path) -> None:
    sizes = []

    def watched() -> Iterator[AuditLine]:
        for line in lines():
            (unfinished,) = tmp_path.iterdir()
            sizes.append(unfinished.stat().st_size)
            yield line

    file = tmp_path / "audit.jsonl"
    assert write_lines(file, watched()) == COUNT
    assert sizes[COUNT // 2] > file.stat().st_size / 4, "they are not gathered first"
    written = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["position"] for line in written] == list(range(1, COUNT + 1))
    assert (written[0]["service"], written[0]["entry"]["about"]) == ("intake", ["d-1"])
    assert modes(tmp_path) == [0o600]


def test_an_export_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[AuditLine]:
        yield from lines(1000)
        raise STORE_UNAVAILABLE.error()

    with pytest.raises(Retryable):
        write_lines(tmp_path / "audit.jsonl", broken())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be written") as error:
        write_lines(tmp_path / "gone" / "audit.jsonl", lines())
    assert error.value.exit_code is Exit.USAGE


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_is_shown_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    url = f"sqlite:///{tmp_path / 'intake.db'}"
    store = Store(url)
    migrate(store)
    store.write_blocking(begin)
    store.write_blocking(lambda tx: append(tx, [AuditEntry(AT, "call")] * 3))
    store.close()
    screen = StringIO()
    monkeypatch.setattr(output, "stderr", lambda: Console(file=screen, force_terminal=terminal, width=80))
    with progress([url]) as advance:
        advance(2)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert ("导出 export" in shown, "2/3" in shown, bool(shown)) == (terminal,) * 3
