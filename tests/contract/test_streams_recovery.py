"""Rules for a restored store and a lost topic (design D1, D3): each test fails without its guard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import HANDOFFS, JOURNAL
from hub.errors import Fault, Rejected, Retryable
from hub.store.migrate import migrate
from hub.store.store import Store, Transaction
from hub.store.tables import outbox, stream_epoch, stream_head, stream_lease
from hub.streams.envelope import Message, place_of
from hub.streams.heads import HeadCheck, HeadGuard
from hub.streams.judge import Numbered
from hub.streams.memory import SendMode
from hub.streams.memory_log import MemoryLog
from hub.streams.outbox import Entry, Outbox
from hub.streams.recovery import RecoveryResult, recover, republish
from hub.streams.topics import DAY_MS, shard_of
from tests.support.backups import Backup, back_up, put_back
from tests.support.journals import Bench, bench_of, until


@pytest.fixture
async def works(store: Store, tmp_path: Path) -> AsyncIterator[Bench]:
    """Producer on each kind of store, reader on SQLite."""
    consumer = Store(f"sqlite:///{tmp_path / 'consumer.db'}")
    migrate(consumer)
    try:
        async with bench_of(store, consumer) as built:
            yield built
    finally:
        consumer.close()


async def written(store: Store) -> list[list[tuple[object, ...]]]:
    """Everything that a store says of its own streams, without the times of writing."""

    def unit(tx: Transaction) -> list[list[tuple[object, ...]]]:
        c = outbox.c
        queries = (
            sa.select(c.shard, c.position, c.epoch, c.key, c.record, c.hash).order_by(c.shard, c.position),
            sa.select(stream_head).where(stream_head.c.position > 0).order_by(stream_head.c.shard),
            sa.select(stream_lease.c.shard, stream_lease.c.sent_upto).order_by(stream_lease.c.shard),
        )
        return [[tuple(row) for row in tx.execute(query)] for query in queries]

    return await store.read(unit)


def guard_of(bench: Bench) -> HeadGuard:
    return HeadGuard(bench.producer, bench.outbox, lambda: MemoryLog(bench.bus), partitions=bench.bus.partitions)


def recovery_of(bench: Bench, adopted: list[str] | None = None, *, at_once: int = 2000) -> RecoveryResult:
    def adopt(_tx: Transaction, records: Sequence[Numbered]) -> None:
        if adopted is not None:
            adopted.extend(item.record.decode() for item in records)

    def key_of(record: bytes) -> str:
        return record.decode().split(":", maxsplit=1)[0]

    return recover(bench.producer, bench.outbox, MemoryLog(bench.bus), key_of=key_of, adopt=adopt, at_once=at_once)


async def test_a_restored_store_takes_back_what_it_had_published(works: Bench) -> None:
    await works.publish("a:1", "b:1")
    await works.write("a:2")  # in the backup, and published only after it
    backup = await back_up(works.producer)
    await works.publish("a:3", "c:1")
    await works.publish("b:2", "c:2")
    before = await written(works.producer)
    await put_back(works.producer, backup)
    with pytest.raises(Fault, match=r"store_restored.*python -m services\.intake recover"):
        guard_of(works).check()
    adopted: list[str] = []
    assert recovery_of(works, adopted) == RecoveryResult(4, 3)
    assert sorted(adopted) == ["a:3", "b:2", "c:1", "c:2"]
    assert await written(works.producer) == before
    guard_of(works).check()
    assert recovery_of(works) == RecoveryResult(0, 0)
    await works.publish("a:4", "c:3")
    reader = await works.reader()
    await works.applied(reader)
    assert sorted(await works.effects()) == ["a:1", "a:2", "a:3", "a:4", "b:1", "b:2", "c:1", "c:2", "c:3"]


async def test_a_restored_store_is_recognised_though_its_rows_were_stamped_by_a_clock_ahead(works: Bench) -> None:
    """The log is stamped by the broker: an hour of it would lie before the newest row and be passed over."""
    await works.publish("a:1")
    ahead = sa.update(outbox).values(written_at=outbox.c.written_at + 3600)
    await works.producer.write(lambda tx: tx.execute(ahead))
    backup = await back_up(works.producer)
    guard_of(works).check()
    await works.publish("a:2")
    await put_back(works.producer, backup)
    with pytest.raises(Fault, match="store_restored"):
        guard_of(works).check()


async def test_repeats_in_the_log_and_small_transactions_change_nothing(works: Bench) -> None:
    await works.publish("a:1")
    backup = await back_up(works.producer)
    for number in range(2, 9):
        await works.publish(f"a:{number}", f"b:{number}")
    await works.producer.write(lambda tx: tx.execute(sa.update(stream_lease).values(sent_upto=0)))
    await works.publish("b:9")  # everything once more, in other batches
    before = await written(works.producer)
    await put_back(works.producer, backup)
    assert recovery_of(works, at_once=3).records == 15
    assert await written(works.producer) == before


async def test_an_empty_store_is_filled_from_nothing(works: Bench, tmp_path: Path) -> None:
    await works.publish("a:1", "b:1")
    await works.producer.write(works.outbox.begin_epoch)
    await works.publish("a:2", "b:2", "c:1")
    before = await written(works.producer)
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    migrate(store)
    fresh = replace(works, producer=store)
    try:
        await store.write(works.outbox.open)
        with pytest.raises(Fault, match=r"store_restored.*the store is empty"):
            guard_of(fresh).check()
        assert recovery_of(fresh).records == 5
        assert await written(store) == before
        guard_of(fresh).check()
        follows = await store.read(lambda tx: works.outbox.continues_from(tx, shard_of("a"), before[1][0][1]))  # type: ignore[arg-type]
        assert follows is not None
    finally:
        store.close()


async def test_a_recovery_that_was_killed_is_called_again(works: Bench) -> None:
    await works.publish("a:1")
    empty: Backup = {name: [] for name in await back_up(works.producer)}
    await works.publish("b:1", "a:2")
    await works.publish("c:1")
    before = await written(works.producer)
    await put_back(works.producer, empty)
    await works.producer.write(works.outbox.open)

    def dies(_tx: Transaction, records: Sequence[Numbered]) -> None:
        if b"c:1" in {item.record for item in records}:
            raise ZeroDivisionError

    log = MemoryLog(works.bus)
    with pytest.raises(ZeroDivisionError):
        recover(works.producer, works.outbox, log, key_of=lambda record: record.decode()[0], adopt=dies, at_once=1)
    assert 0 < recovery_of(works).records < 4
    assert await written(works.producer) == before


async def test_epochs_after_the_backup_come_back_too(works: Bench) -> None:
    await works.publish("a:1")
    backup = await back_up(works.producer)
    await works.publish("a:2")
    await works.producer.write(works.outbox.begin_epoch)
    await works.publish("a:3")
    before = await written(works.producer)
    await put_back(works.producer, backup)
    assert recovery_of(works).records == 2
    assert await written(works.producer) == before
    epochs = sa.select(sa.func.count()).where(stream_epoch.c.shard == shard_of("a")).select_from(stream_epoch)
    assert await works.producer.read(lambda tx: tx.scalar(epochs)) == 2


async def test_a_store_that_went_on_after_its_backup_is_a_fork(works: Bench) -> None:
    await works.publish("a:1")
    backup = await back_up(works.producer)
    await works.publish("a:2")
    await put_back(works.producer, backup)
    await works.write("a:other")
    with pytest.raises(Fault, match="stream_fork"):
        guard_of(works).check()
    with pytest.raises(Fault, match="stream_fork"):
        recovery_of(works)
    await works.write("a:another")  # now even longer than the log
    with pytest.raises(Fault, match="stream_fork"):
        recovery_of(works)


async def test_what_the_log_lacks_is_a_hole(works: Bench) -> None:
    await works.publish("a:1")
    backup = await back_up(works.producer)
    await works.publish("a:2")
    await works.publish("a:3")
    works.bus.truncate(JOURNAL.name, works.partition_of("a"), 2)
    await put_back(works.producer, backup)
    with pytest.raises(Fault, match="stream_hole"):
        recovery_of(works)


async def test_a_restored_store_sends_nothing(works: Bench) -> None:
    await works.publish("a:1")
    backup = await back_up(works.producer)
    await works.publish("a:2")
    await put_back(works.producer, backup)
    await works.write("b:1")
    sent = len(works.bus.records(JOURNAL.name))
    relay = await works.relay(guard=guard_of(works).check)
    with pytest.raises(Fault, match="store_restored"):
        await relay.failed()
    assert len(works.bus.records(JOURNAL.name)) == sent


async def test_nothing_is_sent_to_a_topic_with_other_partitions(works: Bench) -> None:
    await works.write("a:1")
    guard = HeadGuard(works.producer, works.outbox, lambda: MemoryLog(works.bus), partitions=6)
    relay = await works.relay(guard=guard.check)
    with pytest.raises(Fault, match="topic_mismatch"):
        await relay.failed()
    assert works.bus.records(JOURNAL.name) == []


async def test_without_a_bus_the_service_opens_and_the_relay_looks_later(works: Bench) -> None:
    works.bus.sending = SendMode.DOWN
    guard = guard_of(works)
    await HeadCheck(guard).start()
    with pytest.raises(Retryable, match="bus_unavailable"):
        guard.check()
    await works.relay(guard=guard.check)
    await works.write("a:1")
    works.bus.sending = SendMode.NORMAL
    await until(works.sent)


async def test_a_process_that_still_runs_is_not_worked_around(works: Bench) -> None:
    relay = await works.relay()
    await works.write("a:1")
    await until(works.sent)
    with pytest.raises(Rejected, match="store_in_use"):
        recovery_of(works)
    await relay.stop()
    assert recovery_of(works).records == 0


async def test_strangers_in_the_log_are_stepped_over(works: Bench) -> None:
    await works.publish("a:1")
    works.bus.append(Message(JOURNAL.name, works.partition_of("a"), b"x", b"y", ()))
    backup = await back_up(works.producer)
    await works.publish("a:2")
    await put_back(works.producer, backup)
    assert recovery_of(works).records == 1


async def test_a_topic_made_anew_is_filled_from_the_store(works: Bench) -> None:
    await works.publish("a:1", "b:1")
    await works.publish("a:2")
    reader = await works.reader()
    await works.applied(reader)
    await reader.stop()
    works.bus.recreate(JOURNAL.name)
    assert await works.producer.write(lambda tx: republish(tx, JOURNAL, time.time())) == 3
    await works.publish("a:3")
    reader = await works.reader()
    await works.applied(reader)
    assert sorted(await works.effects()) == ["a:1", "a:2", "a:3", "b:1"], "known ones are dropped by position"
    places = [place_of(record.headers) for record in works.bus.records(JOURNAL.name)]
    assert sum(place.count for place in places) == 4, "a newcomer finds everything"


async def test_what_had_its_time_in_a_topic_is_not_republished(store: Store) -> None:
    handoffs = Outbox(HANDOFFS, "court_bridge")
    await store.write(handoffs.open)
    await store.write(lambda tx: handoffs.append(tx, [Entry("a", b"old"), Entry("a", b"young"), Entry("b", b"old")]))
    now = time.time()

    def age(tx: Transaction) -> None:
        old = now - HANDOFFS.retention_ms / 1000 - DAY_MS / 1000
        tx.execute(sa.update(outbox).where(outbox.c.record == b"old").values(written_at=old))
        tx.execute(
            sa.update(stream_lease).values(sent_upto=sa.case((stream_lease.c.shard == shard_of("a"), 2), else_=1))
        )

    await store.write(age)
    assert await store.write(lambda tx: republish(tx, HANDOFFS, now)) == 1
    sent = {name.shard: upto for name, upto in (await store.read(handoffs.sent)).items()}
    assert (sent[shard_of("a")], sent[shard_of("b")]) == (1, 1)
