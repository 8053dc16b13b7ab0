"""A reader that is far behind reads the log itself, page by page, and everything once (ADR 0008)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from typing_extensions import override

from dispute.contracts.topics import JOURNAL
from hub.errors import Fault
from hub.refusals import BUS_UNAVAILABLE
from hub.store.store import Transaction
from hub.streams import memory_feed, starts
from hub.streams import plan as journal_plan
from hub.streams.applier import Answer
from hub.streams.envelope import GENESIS, BatchPlace, Message, StreamName, extend, pack
from hub.streams.judge import Numbered
from hub.streams.memory_feed import MemoryFeed
from hub.streams.ports import FeedRecord
from hub.streams.reader import Reader
from tests.support.journals import GROUP, Bench, Recorder, fault_of, until
from tests.support.stores import OpenStore

FAR = 20
BEHIND = 60
STREAM = StreamName("other", 0, "e1")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few messages are far enough, and a page holds a part of them."""
    monkeypatch.setattr(starts, "FAR", FAR)
    monkeypatch.setattr(memory_feed, "PAGE_MESSAGES", 16)


class Log:
    """One stream in partition 0, a record in each message."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._hash = GENESIS
        self.written = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            record = b"a:%03d" % self.written
            after = extend(self._hash, record)
            self.written += 1
            self._bench.bus.append(_message(BatchPlace(STREAM, self.written, 1, self._hash, after), record))
            self._hash = after

    def texts(self) -> list[str]:
        return [f"a:{number:03}" for number in range(self.written)]


def _message(place: BatchPlace, record: bytes) -> Message:
    return pack(JOURNAL, place, [record], partition=0, written_at=datetime(2024, 1, 1, tzinfo=UTC))


@pytest.fixture
def log(bench: Bench) -> Log:
    written = Log(bench)
    written.write(BEHIND)
    return written


Fetch = Callable[[MemoryFeed, int, int, int], object]


def at_each_fetch(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], object]) -> list[int]:
    """Do something before each fetch, by its number from 0; returns the starts of the fetches."""
    fetch, seen = MemoryFeed.fetch, []

    async def fetching(self: MemoryFeed, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        seen.append(start)
        before(len(seen) - 1)
        return await fetch(self, partition, start, end)

    monkeypatch.setattr(MemoryFeed, "fetch", fetching)
    return seen


async def books(bench: Bench, reader: Reader) -> dict[str, int]:
    return await bench.consumer.read(reader.books)


def backlog(reader: Reader) -> float:
    text = reader._metrics.register.render().decode()
    (line,) = (line for line in text.splitlines() if line.startswith("hub_backlog_fetched_total{"))
    return float(line.rpartition(" ")[2])


async def test_all_of_it_comes_from_the_log_in_order_and_none_of_it_is_a_gap(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = at_each_fetch(monkeypatch, lambda _: None)
    reader = await bench.reader()
    await reader.wait_for({STREAM: BEHIND}, 10)
    assert await bench.effects() == log.texts()
    assert fetched == [0, 16, 32, 48], "page by page"
    counted = await books(bench, reader)
    assert (counted["applied"], counted["gaps_fetched"], counted["repeats_dropped"]) == (BEHIND, 0, 0)
    assert backlog(reader) == BEHIND


async def test_nearby_the_consumer_brings_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = at_each_fetch(monkeypatch, lambda _: None)
    Log(bench).write(FAR)
    reader = await bench.reader()
    await reader.wait_for({STREAM: FAR}, 10)
    assert fetched == []


async def test_what_is_published_meanwhile_is_applied_once_and_in_order(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_each_fetch(monkeypatch, lambda number: log.write(5) if number < 4 else None)
    reader = await bench.reader()
    await reader.wait_for({STREAM: BEHIND + 20}, 10)
    log.write(3)
    await reader.wait_for({STREAM: log.written}, 10)
    assert await bench.effects() == log.texts()
    counted = await books(bench, reader)
    assert (counted["gaps_fetched"], counted["repeats_dropped"]) == (0, 0)


async def test_what_the_consumer_drops_meanwhile_is_a_gap(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drop_one(number: int) -> None:
        if number == 0:
            bench.bus.drop(JOURNAL.name, 0, [BEHIND + 1])
            log.write(4)

    at_each_fetch(monkeypatch, drop_one)
    reader = await bench.reader()
    await reader.wait_for({STREAM: BEHIND + 4}, 10)
    assert await bench.effects() == log.texts()
    assert (await books(bench, reader))["gaps_fetched"] == 1


async def test_a_long_catch_up_is_never_taken_for_a_dropped_tail(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = MemoryFeed.fetch

    async def slow(self: MemoryFeed, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        await asyncio.sleep(0.12)  # more than the idle time of this reader
        return await fetch(self, partition, start, end)

    monkeypatch.setattr(MemoryFeed, "fetch", slow)
    reader = await bench.reader()
    await reader.wait_for({STREAM: BEHIND}, 10)
    assert (await books(bench, reader))["gaps_fetched"] == 0
    assert await bench.effects() == log.texts()


async def test_small_records_share_a_transaction_up_to_the_events_limit(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_feed, "PAGE_MESSAGES", 1000)
    monkeypatch.setattr(journal_plan, "EVENTS_LIMIT", 25)
    together: list[int] = []

    class Counting(Recorder):
        @override
        def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
            together.append(len(records))
            return super().apply(tx, records)

    reader = await bench.reader(Counting())
    await reader.wait_for({STREAM: log.written}, 10)
    assert together == [25, 25, 10]


async def test_it_stops_at_once_although_a_fetch_hangs(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, given_up = asyncio.Event(), asyncio.Event()

    async def hang(self: MemoryFeed, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        hanging.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        raise AssertionError((self, partition, start, end))

    monkeypatch.setattr(MemoryFeed, "fetch", hang)
    reader = await bench.reader()
    await asyncio.wait_for(hanging.wait(), 10)
    await asyncio.wait_for(reader.stop(), 5)
    assert given_up.is_set()
    assert await bench.effects() == []
    assert log.written == BEHIND


async def test_stopped_in_a_page_it_leaves_the_rest(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_plan, "EVENTS_LIMIT", 4)
    reader = await bench.reader()
    moved = reader._waiting.tell

    def stopping() -> None:
        reader._stopped.set()
        moved()

    monkeypatch.setattr(reader._waiting, "tell", stopping)
    await reader.stop()
    assert len(await bench.effects()) in {0, 4}
    await (again := await bench.reader()).wait_for({STREAM: BEHIND}, 10)
    assert await bench.effects() == log.texts()
    assert (await books(bench, again))["applied"] == BEHIND


async def test_a_bus_that_fails_is_waited_for(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_twice(number: int) -> None:
        if number in {1, 2}:
            raise BUS_UNAVAILABLE.error(why="planted")

    fetched = at_each_fetch(monkeypatch, fail_twice)
    reader = await bench.reader()
    await reader.wait_for({STREAM: BEHIND}, 10)
    assert fetched == [0, 16, 16, 16, 32, 48]
    assert await bench.effects() == log.texts()


async def test_a_partition_that_goes_half_way_is_left_to_its_new_owner(
    bench: Bench, log: Log, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter(range(1, 4))
    at_each_fetch(
        monkeypatch, lambda number: bench.bus.rebalance(JOURNAL.name, GROUP, next(turns)) if number in {1, 3, 4} else 0
    )
    readers = [await bench.reader(), await bench.reader(store=open_store())]
    for reader in readers:
        await reader.wait_for({STREAM: BEHIND}, 10)
    log.write(3)
    await readers[0].wait_for({STREAM: log.written}, 10)
    assert await bench.effects() == log.texts()
    counted = await books(bench, readers[0])
    assert (counted["applied"], counted["gaps_fetched"]) == (log.written, 0)


async def test_what_retention_takes_half_way_stops_the_reader(
    bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def truncate(number: int) -> None:
        if number == 2:
            bench.bus.truncate(JOURNAL.name, 0, log.written)

    at_each_fetch(monkeypatch, truncate)
    error = await fault_of(await bench.reader())
    assert isinstance(error, Fault)
    assert error.code == "log_truncated"
    assert await bench.effects() == log.texts()[:32]


async def test_a_page_with_a_hole_stops_the_reader(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = MemoryFeed.fetch

    async def holed(self: MemoryFeed, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        page = list(await fetch(self, partition, start, end))
        del page[3]
        return page

    monkeypatch.setattr(MemoryFeed, "fetch", holed)
    error = await fault_of(await bench.reader())
    assert isinstance(error, Fault)
    assert error.code == "log_truncated"
    assert log.written == BEHIND


async def test_the_lag_is_told_while_it_catches_up(bench: Bench, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    lags: list[float] = []
    reader = await bench.reader()
    monkeypatch.setattr(reader._metrics, "lags", lags.append)
    monkeypatch.setattr(memory_feed, "PAGE_MESSAGES", 1)
    monkeypatch.setattr(reader, "_idle_s", 0.01)
    await reader.wait_for({STREAM: BEHIND}, 20)

    async def level() -> bool:
        return bool(lags) and lags[-1] == 0

    await until(level)
    assert any(0 < lag < log.written for lag in lags)
