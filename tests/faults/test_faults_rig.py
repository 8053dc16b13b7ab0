"""The parts of the rig without brokers: proxy, stall, script, command line; each is seen to do its work."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispute.wire.journal.v1 import journal_pb2
from hub.runtime import heap
from ops.play.scenarios.days import SHANGHAI
from ops.play.scenarios.vocabulary import Fate
from ops.play.simulators.answers import Later, ReceivedReceipt
from ops.run.broker.ports import free_ports
from ops.run.broker.properties import Node, server_properties
from tests.faults import precedence, service
from tests.faults.__main__ import main, seeds_of
from tests.faults.book import Book
from tests.faults.county import county
from tests.faults.evidence import JOURNAL, read_lines
from tests.faults.kinds import ALONE, BY_NAME, MIXED, chosen_for, drawn
from tests.faults.oracle import judge
from tests.faults.rig import ROOT
from tests.faults.scene import STORES
from tests.faults.script import CLOCKS, QUARTERS, SCENARIO, WALL, ends_at, write
from tests.faults.stall import Stall, TimedPatience
from tests.faults.streams import follow
from tests.faults.wires import Wires


@asynccontextmanager
async def echo(port: int) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield


@asynccontextmanager
async def proxied() -> AsyncIterator[tuple[Wires, int]]:
    target, told = free_ports(2)
    wires = Wires([Node(1, target, 0, Path(), advertised_port=told)])
    async with echo(target):
        await wires.start()
        try:
            yield wires, told
        finally:
            await wires.stop()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    began = time.monotonic()
    writer.write(b"hello")
    assert await asyncio.wait_for(reader.readexactly(5), 20) == b"hello"
    return time.monotonic() - began


async def test_the_proxy_slows_and_resets_and_shuts_a_link() -> None:
    async with proxied() as (wires, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await ask(reader, writer)
        await wires.delay(0.3, 0.4)
        assert await ask(reader, writer) >= 0.6, "each way takes its time"
        assert await wires.delayed() == 2
        await wires.delay(0, 0)
        assert await wires.reset() == 1
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(reader, writer)
        writer.close()
        await wires.shut(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await wires.open(1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await ask(reader, writer)
        writer.close()


def test_a_broker_behind_a_proxy_tells_clients_the_proxy_and_brokers_itself() -> None:
    node = Node(1, 20001, 20002, Path("/x"), advertised_port=20003, peer_port=20004)
    lines = dict(line.split("=", 1) for line in server_properties(node, [node]).splitlines())
    assert lines["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20003,PEER://127.0.0.1:20004"
    assert lines["inter.broker.listener.name"] == "PEER"
    assert "PLAINTEXT://127.0.0.1:20001" in lines["listeners"]


def test_a_stall_is_the_longest_time_without_an_answer_that_was_wanted() -> None:
    now = 0.0
    stall = Stall(lambda: now)
    now = 50.0  # nobody wanted anything
    first, second = stall.wanting(), stall.wanting()
    first.__enter__()
    now = 52.0
    second.__enter__()
    now = 53.0
    first.__exit__(None, None, None)
    assert stall.longest_s == 3.0
    now = 57.0
    assert stall.longest_s == 4.0, "one that lasts counts"
    second.__exit__(OSError, OSError("gone"), None)
    assert stall.answers == 1
    now = 90.0
    assert stall.longest_s == 3.0, "a want that was given up is no answer, and no stall for ever"


async def test_the_longest_wait_for_one_answer_counts_each_try_alone_and_not_the_calls_that_are_to_wait() -> None:
    patience = TimedPatience(5.0)
    tries = iter([True, True, False])

    async def refused_twice() -> str:
        await asyncio.sleep(0.05)
        if next(tries):
            raise Later("busy", 0.2)
        return "done"

    assert await patience.until_answered("x", refused_twice) == "done"
    assert 0.05 <= patience.longest_s < 0.2, "the pause between two tries is the caller's own"

    async def long_poll() -> None:
        await asyncio.sleep(0.3)

    await patience.until_answered("hand-offs to be applied", long_poll)
    assert patience.longest_s < 0.2


def test_an_episode_has_records_of_its_own_and_late_ones_are_90_days_late() -> None:
    one, same, other = write(1, 3), write(1, 3), write(1, 4)
    assert one == same
    assert not {r.ref for r in one.records} & {r.ref for r in other.records}
    assert not {r.parties for r in one.records} & {r.parties for r in other.records}, "or two would be one matter"
    late = write(1, 3, late=True)
    assert not {(r.agency, r.ref) for r in one.records} & {(r.agency, r.ref) for r in late.records}
    first = min(r.handed_over_at for r in one.records)
    assert all((first - r.handed_over_at).days >= 90 for r in late.records)
    assert ends_at(QUARTERS) > ends_at(3)
    with pytest.raises(ValueError, match="episodes"):
        write(1, QUARTERS + 1)


@pytest.mark.parametrize("hour", [0, 15, 16, 23], ids=["morning", "before", "after", "night"])
def test_on_the_wall_clock_everything_is_of_today_and_of_the_past(hour: int) -> None:
    """16:00 UTC is midnight in Shanghai."""
    now = datetime(2026, 11, 29, hour, 0, 30, tzinfo=UTC)
    script, same, other = write(1, 3, now=now), write(1, 3, now=now), write(1, 4, now=now)
    assert script == same
    assert not {r.ref for r in script.records} & {r.ref for r in other.records}
    assert not {r.parties for r in script.records} & {r.parties for r in other.records}
    for record in script.records:
        instants = [record.handed_over_at, *(step.at for step in script.ways[record.number].steps)]
        assert instants == sorted(set(instants)), "one after the other"
        assert now - timedelta(minutes=2) < instants[0] <= instants[-1] <= now
        assert record.received_on == record.handed_over_at.astimezone(SHANGHAI).date()
        assert record.ending.fate is not Fate.EXPIRED
    assert {step.action for way in script.ways.values() for step in way.steps} >= {"agree", "fail", "withdraw", "close"}


def test_two_receipts_of_one_record_are_a_contradiction(tmp_path: Path) -> None:
    book = Book(tmp_path)
    receipt = ReceivedReceipt("r1", "ref", "d1", "court_bridge/3/abcd", 7, repeated=False)
    book.enter("court-1", receipt)
    book.enter("court-1", ReceivedReceipt("r1", "ref", "d1", "court_bridge/3/abcd", 7, repeated=True))
    assert (book.contradictions, book.repeats, len(book)) == ([], 1, 1)
    book.enter("court-1", ReceivedReceipt("r2", "ref", "d1", "court_bridge/3/abcd", 8, repeated=False))
    assert len(book.contradictions) == 1
    lines = [json.loads(line) for line in book.ledger.read_text(encoding="utf-8").splitlines()]
    assert [line["receipt_id"] for line in lines] == ["r1", "r1", "r2"]


def test_a_command_that_is_not_where_its_answer_said_is_lost(tmp_path: Path) -> None:
    evidence = county()
    chains = follow(JOURNAL, evidence.raw[JOURNAL], evidence.partitions[JOURNAL])
    stream, position, record = next(iter(chains.numbered()))
    event = journal_pb2.JournalEvent.FromString(record)
    book = Book(tmp_path)

    def lost_with(commands: Path) -> tuple[str, ...]:
        return judge(replace(evidence, commands=read_lines(commands))).lost

    book.carried_out(event.causation_id, event.dispute_id, stream, position)
    assert lost_with(book.commands) == ()
    book.carried_out("another command", event.dispute_id, stream, position)
    book.carried_out(event.causation_id, event.dispute_id, stream, 10**6)
    assert len(lost_with(book.commands)) == 2


def test_mixed_draws_two_or_three_kinds_that_leave_each_other_alone() -> None:
    sizes = set()
    for seed in range(200):
        for store in ("sqlite", "postgres"):
            clock = CLOCKS[seed % 2]
            kinds = drawn(random.Random(seed), store, clock)  # noqa: S311 - reproducible
            sizes.add(len(kinds))
            held = [part for kind in kinds for part in kind.touches]
            assert len(held) == len(set(held))
            assert all(store in kind.stores and clock in kind.clocks and kind.mixes for kind in kinds)
    assert sizes == {2, 3}


def test_every_kind_is_in_some_list_and_unknown_ones_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BY_NAME) == len(ALONE)
    assert all(set(kind.short) <= set(kind.stores) for kind in ALONE)
    full = [name for clock in CLOCKS for name in chosen_for("postgres", clock, [], full=True, any_clock=False)]
    assert sorted(full) == sorted({*BY_NAME, MIXED})
    short = [
        n for store in STORES for clock in CLOCKS for n in chosen_for(store, clock, [], full=False, any_clock=False)
    ]
    assert sorted(short) == sorted({*BY_NAME, MIXED} - {"broker-gone-long"}), "the short list: each kind once"
    assert chosen_for("sqlite", SCENARIO, ["zombie", MIXED], full=False, any_clock=False) == ["zombie", MIXED]
    assert chosen_for("sqlite", WALL, ["zombie", "pause"], full=False, any_clock=False) == ["pause"]
    assert chosen_for("sqlite", WALL, ["zombie", MIXED], full=False, any_clock=True) == ["zombie", MIXED]
    assert "input-late" not in chosen_for("sqlite", WALL, [], full=True, any_clock=True)
    with pytest.raises(SystemExit, match="2"):
        main(["--kinds", "earthquake"])
    assert "earthquake" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "first", "last"), [("1", 1, 1), ("3", 1, 3), ("5-20", 5, 20)])
def test_seeds_are_a_number_or_a_range(text: str, first: int, last: int) -> None:
    found = seeds_of(text)
    assert (found[0], found[-1]) == (first, last)


@pytest.mark.parametrize("text", ["0", "x", "5-3", ""])
def test_no_seeds_are_no_run(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        seeds_of(text)


def test_a_process_goes_before_the_others_until_it_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "autogroup"
    monkeypatch.setattr(precedence, "AUTOGROUP", told)
    monkeypatch.setattr(heap, "settle", lambda: None)
    precedence.take()
    assert told.read_text(encoding="ascii") == "-10"
    service.share_when_ready()
    heap.settle()
    assert told.read_text(encoding="ascii") == "0"
    monkeypatch.setattr(precedence, "AUTOGROUP", tmp_path / "no such" / "file")
    precedence.take()  # where there is none, nothing happens


def test_the_wrapper_puts_every_point_in_its_place(tmp_path: Path) -> None:
    """In a process of its own: it patches the product."""
    done = subprocess.run(
        [sys.executable, "-c", INSTALLED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "9"


INSTALLED = """
import sys
from pathlib import Path
from hub.streams import reader
from hub.streams.leases import Leases
from hub.store import engines
from hub.store.batcher import Batcher
from hub.kafka import publisher
from hub.kafka.buffer import Buffer
from hub.kafka.worker import FaustFeed
from services.intake.inbound.handoffs import HandoffApplier
from tests.faults import service
from tests.faults.oracle import judge
from tests.faults.points import Points

def look():
    return [publisher.KafkaPublisher.send, Leases.mark, Batcher.submit, Batcher.submit_all,
            reader.apply_plan, Buffer.put, FaustFeed.revoked, engines.writer_engine, HandoffApplier.apply]

before = look()
service.install(Points(Path(sys.argv[1])))
print(sum(a is not b for a, b in zip(before, look(), strict=True)))
"""
