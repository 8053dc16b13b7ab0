"""Exit codes and output of the command line, without a broker."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from dispute.contracts.topics import JOURNAL
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Fault, Refusal
from hub.refusals import BUS_UNAVAILABLE
from hub.streams.envelope import GENESIS, BatchPlace, Headers, StreamName, extend_all, pack
from hub.streams.ports import FeedRecord
from ops.cli.main import app
from ops.console import output
from ops.console.exits import BrokenPromise, CommandError, Exit
from ops.repair.dead_letters import letter_of
from ops.run.children import Child
from ops.run.event_tail import lines
from ops.run.launcher import LaunchPlan
from ops.run.run_folder import Running, find, new_folder, write
from tests.support.scenarios import FOLDER


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def commands(command: object, *words: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command and of all below it."""
    yield words
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from commands(below, *words, name)


@pytest.mark.parametrize("words", list(commands(get_command(app))), ids=" ".join)
def test_every_command_has_help_in_both_languages(runner: CliRunner, words: tuple[str, ...]) -> None:
    done = runner.invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    assert re.search(r"[\u4e00-\u9fff]", done.stdout)
    assert re.search(r"[a-z]{3}", done.stdout)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError(Exit.MISSING_TOOL, "no java"), 3),
        (BUS_UNAVAILABLE.error(why="…"), 4),
        (TimeoutError("late"), 4),
        (Refusal("bad").error(), 1),
        (Fault("log_truncated", "x"), 1),
        (BrokenPromise("x"), 1),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [TimeoutError("late")])]), 4),
    ],
)
def test_each_failure_has_its_exit_code(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left, output.failing():
        raise error
    assert left.value.code == code
    caught = capsys.readouterr()
    assert caught.out == ""
    assert caught.err.strip()


def test_our_own_bugs_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError), output.failing():
        raise ZeroDivisionError


def test_no_run_is_wrong_usage(runner: CliRunner) -> None:
    for command in (["status"], ["books"], ["stats", "rates"], ["dlq", "list"], ["events", "tail"]):
        assert runner.invoke(app, command).exit_code == 2, command


def test_several_intakes_need_postgres(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        LaunchPlan(tmp_path, "sqlite", 2)
    assert caught.value.exit_code is Exit.USAGE
    assert LaunchPlan(tmp_path, "postgres", 2).intake_workers == 2


def test_an_unknown_store_or_topic_is_wrong_usage(runner: CliRunner) -> None:
    assert runner.invoke(app, ["demo", "--store", "oracle"]).exit_code == 2
    assert runner.invoke(app, ["dlq", "list", "nothing", "--run", "."]).exit_code == 2
    assert runner.invoke(app, ["alarms", "--level", "loud"]).exit_code == 2
    assert runner.invoke(app, ["events", "tail", "nothing"]).exit_code == 2


def test_scenario_check_prints_one_document(runner: CliRunner) -> None:
    done = runner.invoke(app, ["scenario", "check", str(FOLDER / "small.yaml"), "--json"])
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["records"] == {"court": 36, "police": 18, "petition": 6}
    assert len(document["rates"]) == 16


def test_credentials_prints_no_key(runner: CliRunner) -> None:
    done = runner.invoke(app, ["credentials", "first", "court-620725", "--json"])
    assert done.exit_code == 0
    keys = json.loads(Path("credentials/api-keys.json").read_text())
    assert keys["court-620725"] not in done.stdout


def test_the_newest_run_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for kafka in ("first:1", "second:2"):
        folder = new_folder()
        assert folder.stat().st_mode & 0o777 == 0o700
        write(Running(str(folder), 1, kafka, {}, {}, {}))
    assert find(None).kafka == "second:2"
    assert find(Path(find(None).folder)).kafka == "second:2"
    with pytest.raises(CommandError):
        find(tmp_path)


def record(headers: Headers, value: bytes) -> FeedRecord:
    return FeedRecord(JOURNAL.name, 1, 7, b"", value, headers, 0)


def test_a_batch_is_unrolled_into_lines() -> None:
    events = [journal_pb2.JournalEvent(dispute_id=f"d{n}", type="agreed").SerializeToString() for n in (1, 2)]
    place = BatchPlace(StreamName("intake", 1, "e"), 5, 2, GENESIS, extend_all(GENESIS, events))
    message = pack(JOURNAL, place, events, partition=1, written_at=datetime(2024, 1, 1, tzinfo=UTC))
    told = [json.loads(line) for line in lines(record(message.headers, message.value), journal_pb2.JournalEvent)]
    assert [(one["position"], one["event"]["dispute_id"]) for one in told] == [(5, "d1"), (6, "d2")]
    (broken,) = lines(record(message.headers, b"\xff"), journal_pb2.JournalEvent)
    assert json.loads(broken) == {"topic": JOURNAL.name, "partition": 1, "offset": 7, "error": "undecodable"}
    (foreign,) = lines(record((), message.value), journal_pb2.JournalEvent)
    assert json.loads(foreign)["error"] == "not_a_batch"


def test_a_letter_is_described_by_its_headers_alone() -> None:
    headers = (("dlq_stream", b"court_bridge/1/e"), ("dlq_position", b"3"), ("dlq_reason", b"undecodable"))
    letter = letter_of(record(headers, b"secret"))
    assert (letter.place, letter.reason, letter.value_bytes) == ("court_bridge/1/e@3", "undecodable", 6)
    assert "secret" not in repr(letter)


async def test_a_child_that_breaks_down_is_told_from_one_that_was_killed(tmp_path: Path) -> None:
    child = Child("nobody", 1, {"HUB_GRPC_PORT": "1", "HUB_HTTP_PORT": "2"}, tmp_path)
    child.command = ("/bin/sleep", "600")
    child.start()
    async with asyncio.timeout(20):
        while child.pid() is None:  # noqa: ASYNC110 - a file has no event to await
            await asyncio.sleep(0.01)
        assert child.running
        assert child.kill()
        await child.wait_ended()
    assert not child.broke_down
    child.command = ("/bin/false",)
    child.start()
    await child.wait_ended()
    assert child.broke_down
    assert "ended: 退出码 exit code 1" in str(child.obituary())
    with pytest.raises(CommandError, match="ended"):
        await child.wait_ready()


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--openid", "8d1c"), "--issuer"),
        (("--openid", "8d1c", "--issuer", "https://id.example.invalid "), "--issuer"),
        (("--openid", "", "--issuer", "https://id.example.invalid"), "--openid"),
        (("--openid", "a\nb", "--issuer", "https://id.example.invalid"), "--openid"),
        (("--openid", "8d1c", "--issuer", "https://id.example.invalid", "--out", "x.token"), "--out"),
    ],
)
def test_a_person_of_a_provider_is_named_in_full_and_gets_no_token(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], wrong: str
) -> None:
    """An empty subject, of a script's empty variable, must not make a token either."""
    monkeypatch.delenv("HUB_OPENID_ISSUER", raising=False)
    done = runner.invoke(app, ["credentials", "issue", "clerk-7", "clerk", *words])
    assert done.exit_code == Exit.USAGE
    assert f"Invalid value for {wrong}:" in done.output
