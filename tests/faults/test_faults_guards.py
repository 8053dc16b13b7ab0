"""The control's sabotage does what it says: each guard holds, and without it the same thing goes wrong.

Here at the level of the reader and the relay with a real store and the bus in memory, so that it is quick and certain;
`make faults-control` does the same with whole services on three brokers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from faust.transport.drivers.aiokafka import Consumer

from dispute.calendar.working_days import WorkCalendar
from dispute.contracts.topics import JOURNAL
from hub.errors import Fault, Refusal, Rejected, Retryable
from hub.kafka import admin
from hub.kafka.buffer import Buffer
from hub.kafka.bus import Bus
from hub.kafka.pages import Pages
from hub.kafka.publisher import KafkaPublisher
from hub.kafka.transport import OwnPlaceConsumer
from hub.store import failures
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.store.waits import SERVING, WaitBounds
from hub.streams import plan
from hub.streams import reader as reader_module
from hub.streams.applier import Poisoned
from hub.streams.backlog import Backlog
from hub.streams.envelope import GENESIS, BatchPlace, Message, StreamName, extend_all, pack
from hub.streams.inbox import Inbox, Move, Swapped
from hub.streams.judge import Numbered
from hub.streams.memory import SendMode
from hub.streams.ports import FeedRecord
from hub.streams.reader import Reader
from hub.streams.relay import Relay
from services.intake.inbound.handoffs import HandoffApplier
from services.stats.facts.fold import Fold, cohort_days
from tests.faults import points as at
from tests.faults import traps
from tests.faults.guards import GUARDS, install
from tests.faults.points import Points
from tests.faults.promises import ROWS
from tests.support.journals import Bench, Recorder, bench_of, fault_of, until
from tests.support.stats import event

A = "a"
MARKER = StreamName("other", 0, "e1")
PATCHED: Sequence[tuple[Any, str]] = (
    (OwnPlaceConsumer, "seek_to_committed"),
    (Backlog, "goes_on"),
    (Reader, "_compare_ends"),
    (Reader, "__init__"),
    (plan, "judge"),
    (failures, "SQLSTATES"),
    (Store, "__init__"),
    (admin, "BY_THE_BROKER"),
    (WorkCalendar, "_due"),
    (reader_module, "hold"),
    (Inbox, "swap"),
    (Relay, "__init__"),
    (HandoffApplier, "apply"),
    (Fold, "add"),
    (Pages, "_ask"),
    (Pages, "ends"),
    (KafkaPublisher, "send"),
    (Buffer, "take"),
)


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test sabotages is whole again after it."""
    for owner, name in PATCHED:
        monkeypatch.setattr(owner, name, getattr(owner, name))


@pytest.fixture
async def sqlite_bench(tmp_path: Path) -> Any:  # noqa: ANN401 - an asynchronous generator
    stores = [Store(f"sqlite:///{tmp_path / name}.db") for name in ("producer", "consumer")]
    for store in stores:
        migrate(store)
    try:
        async with bench_of(*stores) as built:
            yield built
    finally:
        for store in stores:
            store.close()


@pytest.fixture(params=[True, False], ids=["with", "without"])
def guarded(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def batch(first: int, records: Sequence[bytes], before: bytes) -> Message:
    place = BatchPlace(MARKER, first, len(records), before, extend_all(before, records))
    return pack(JOURNAL, place, list(records), partition=0, written_at=datetime(2024, 1, 1, tzinfo=UTC))


def test_the_control_drives_into_every_guard() -> None:
    assert {row.guard for row in ROWS} == GUARDS.keys()


def test_a_guard_that_does_not_exist_is_no_guard() -> None:
    with pytest.raises(KeyError):
        install("own_plaice")


def test_without_its_own_place_the_consumer_stays_with_the_group() -> None:
    assert OwnPlaceConsumer.seek_to_committed is not Consumer.seek_to_committed
    install("own_place")
    assert OwnPlaceConsumer.seek_to_committed is Consumer.seek_to_committed


async def test_gap_fetch(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("gap_fetch")
    for text in ("a:1", "a:2", "a:3"):
        await sqlite_bench.publish(text)
    sqlite_bench.bus.drop(JOURNAL.name, sqlite_bench.partition_of(A), [1])
    reader = await sqlite_bench.reader()
    if guarded:
        await sqlite_bench.applied(reader)
        assert await sqlite_bench.effects() == ["a:1", "a:2", "a:3"]
    else:
        error = await fault_of(reader)
        assert isinstance(error, Fault)
        assert error.code == "stream_hole"


async def test_idle_check(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("idle_check")
    for text in ("a:1", "a:2"):
        await sqlite_bench.publish(text)
    sqlite_bench.bus.drop(JOURNAL.name, sqlite_bench.partition_of(A), [1])
    reader = await sqlite_bench.reader()
    heads = await sqlite_bench.producer.read(sqlite_bench.outbox.heads)
    if guarded:
        await reader.wait_for(heads, 15.0)
    else:
        with pytest.raises(Retryable):
            await reader.wait_for(heads, 2.0)
    assert await sqlite_bench.effects() == (["a:1", "a:2"] if guarded else ["a:1"])


async def test_slicing(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("slicing")
    records = [b"a:1", b"a:2", b"a:3"]
    for first, taken in ((1, records[:2]), (1, records)):
        sqlite_bench.bus.append(batch(first, taken, GENESIS))
    reader = await sqlite_bench.reader()
    await reader.wait_for({MARKER: 3}, 15.0)
    once = ["a:1", "a:2", "a:3"]
    assert sorted(await sqlite_bench.effects()) == (once if guarded else sorted([*once, "a:1", "a:2"]))


async def test_compare_and_swap(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("compare_and_swap")
    store, inbox = sqlite_bench.consumer, Inbox(JOURNAL.name)
    await store.write(lambda tx: inbox.adopt(tx, {0: 0}, "topic"))
    await store.write(lambda tx: inbox.swap(tx, {0: Move(0, 5)}))
    if guarded:
        with pytest.raises(Swapped):
            await store.write(lambda tx: inbox.swap(tx, {0: Move(0, 3)}))
    else:
        await store.write(lambda tx: inbox.swap(tx, {0: Move(0, 3)}))
    assert await store.read(inbox.offsets) == {0: 5 if guarded else 3}


async def test_producer_watchdog(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("producer_watchdog")
    sqlite_bench.bus.sending = SendMode.HELD
    relay = await sqlite_bench.relay(unconfirmed_limit_s=0.2)
    await sqlite_bench.write("a:1")

    async def tried_for_long() -> bool:
        flights = list(relay._flights.values())
        return await sqlite_bench.renewed() or any(relay.oldest_unsent_s > 2.0 for _ in flights)

    await until(tried_for_long)
    assert await sqlite_bench.renewed() == guarded
    sqlite_bench.bus.sending = SendMode.NORMAL


async def test_parking(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("parking")
    await sqlite_bench.publish("a:boom", "b:1")
    for _ in range(2):
        reader = await sqlite_bench.reader(Recorder(dies_at={"a:boom"}))
        assert isinstance(await fault_of(reader), Poisoned)
        await reader.stop()
    reader = await sqlite_bench.reader(Recorder(dies_at={"a:boom"}))
    if guarded:
        await sqlite_bench.applied(reader)
        assert await sqlite_bench.effects() == ["b:1"]
    else:
        assert isinstance(await fault_of(reader), Poisoned)


def test_applied_twice() -> None:
    def cells() -> list[int]:
        fold = Fold(lambda _: (1,) * 21, cohort_days)
        for position in (1, 2):
            fold.add(event("registered", dispute=position), 1, 0, position)
        return list(fold.cells.values())

    assert cells() == [2]
    install("applied_twice")
    assert cells() == [3]


def item(record: bytes) -> Numbered:
    return Numbered("t", 0, 0, MARKER, 1, record)


def test_dropped_record(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[bytes] = []

    def apply(_: HandoffApplier, __: sa.Connection, records: Sequence[Numbered]) -> list[None]:
        applied.extend(one.record for one in records)
        return [None] * len(records)

    monkeypatch.setattr(HandoffApplier, "apply", apply)
    install("dropped_record")
    applier, tx = HandoffApplier.__new__(HandoffApplier), sa.create_mock_engine("sqlite://", print)
    assert applier.apply(tx, [item(b"1"), item(b"2")]) == [None, None]  # type: ignore[arg-type] # not looked at
    assert applier.apply(tx, [item(b"1"), item(b"3")]) == [None, None]  # type: ignore[arg-type] # as above
    assert applied == [b"2", b"3"]


def test_provisional_dates(*, guarded: bool) -> None:
    if not guarded:
        install("provisional_dates")
    calendar = WorkCalendar({})
    assert calendar.calendar_due(date(2024, 5, 1), 60).missing_year is None
    if guarded:
        assert calendar.calendar_due(date(1999, 5, 1), 60).missing_year == 1999
    else:
        with pytest.raises(Rejected, match="calendar_missing"):
            calendar.calendar_due(date(1999, 5, 1), 60)


def test_sqlstates(*, guarded: bool) -> None:
    if not guarded:
        install("sqlstates")
    error = psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")
    told = failures.translate(sa.exc.InternalError("INSERT", None, error))
    assert isinstance(told, Refusal) is guarded


def test_bounded_waits(monkeypatch: pytest.MonkeyPatch, *, guarded: bool) -> None:
    built: list[WaitBounds] = []
    monkeypatch.setattr(Store, "__init__", lambda _self, _url, waits=SERVING: built.append(waits))
    if not guarded:
        install("bounded_waits")
    Store("sqlite://")
    assert (built[0].lock_s < 30) is guarded


def test_broker_stamps(*, guarded: bool) -> None:
    if not guarded:
        install("broker_stamps")
    settings = admin.TopicSettings("t", 1, 1, 1).settings()
    assert (settings["message.timestamp.type"] == "LogAppendTime") is guarded


async def test_source_hold(sqlite_bench: Bench, *, guarded: bool) -> None:
    if not guarded:
        install("source_hold")
    bad = [f"court-a:{number:03}" for number in range(40)]
    await sqlite_bench.publish(*bad, "police-x:1")
    reader = await sqlite_bench.reader(Recorder(refuses=set(bad)))
    if guarded:
        await sqlite_bench.applied(reader)
        assert reader.held() == ["intake/court"]
        assert await sqlite_bench.effects() == ["police-x:1"]
    else:
        error = await fault_of(reader)
        assert isinstance(error, Fault)
        assert error.code == "dead_letter_flood"


async def test_own_question(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, guarded: bool) -> None:
    """The trap lets two questions begin in one turn that do not."""

    async def bounds(_self: Pages, _which: str, partitions: Sequence[int]) -> dict[int, int]:
        await asyncio.sleep(0)
        return dict.fromkeys(partitions, 7)

    monkeypatch.setattr(Pages, "_bounds", bounds)
    if not guarded:
        install("own_question")
    monkeypatch.setenv(at.FOLDER, str(tmp_path))
    install(traps.MEET)
    points, pages = Points(tmp_path), Pages(Bus("nowhere:1"), "t")
    assert await pages.ends([0]) == {0: 7}
    points.arm(traps.MEET)
    early = asyncio.create_task(pages.ends([1]))
    await asyncio.sleep(0.05)
    late = asyncio.create_task(pages.ends([2]))
    await asyncio.wait({early, late})
    assert points.hits(traps.MEET) == 1
    assert [task.cancelled() for task in (early, late)] == [False, not guarded]


def test_the_bug_trap_meets_one_dispute_and_goes_on_meeting_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(at.FOLDER, str(tmp_path))
    monkeypatch.setattr(HandoffApplier, "apply", lambda _self, _tx, records: [None] * len(records))
    monkeypatch.setattr(HandoffApplier, "key_of", lambda _self, record: record.decode())
    install(traps.BUG)
    applier, tx, points = HandoffApplier.__new__(HandoffApplier), None, Points(tmp_path)
    assert applier.apply(tx, [item(b"x")]) == [None]  # type: ignore[arg-type] # not looked at
    points.arm(traps.BUG)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            applier.apply(tx, [item(b"y"), item(b"z")])  # type: ignore[arg-type] # as above
    assert applier.apply(tx, [item(b"z")]) == [None]  # type: ignore[arg-type] # as above


async def test_the_gap_trap_drops_one_record_that_another_follows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(at.FOLDER, str(tmp_path))
    install(traps.GAP)
    Points(tmp_path).arm(traps.GAP)
    buffer = Buffer(10, 1000)

    async def taken(*places: tuple[int, int]) -> list[tuple[int, int]]:
        for partition, offset in places:
            await buffer.put(FeedRecord("t", partition, offset, None, b"", (), 0))
        return [(record.partition, record.offset) for record in buffer.take(10)]

    assert await taken((0, 0), (1, 0)) == [(0, 0), (1, 0)]
    assert await taken((0, 1), (1, 1), (1, 2)) == [(0, 1), (1, 2)]
    assert await taken((1, 3), (1, 4)) == [(1, 3), (1, 4)]


def test_the_wedge_trap_holds_one_producer_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(at.FOLDER, str(tmp_path))
    producers = iter(["first", "first", "second"])
    monkeypatch.setattr(KafkaPublisher, "_current", lambda _: next(producers))
    monkeypatch.setattr(KafkaPublisher, "send", lambda _self, _message: "sent")
    install(traps.WEDGE)
    Points(tmp_path).arm(traps.WEDGE)
    publisher, message = KafkaPublisher.__new__(KafkaPublisher), batch(1, [b"a"], GENESIS)
    held = [publisher.send(message) for _ in range(2)]
    assert [delivery.done() for delivery in held] == [False, False]
    assert publisher.send(message) == "sent"  # type: ignore[comparison-overlap] # what the stand-in answers
