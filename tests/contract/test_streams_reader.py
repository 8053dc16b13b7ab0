"""Rules for readers (design D3, D7): each test fails without its guard."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL
from hub.errors import Fault
from hub.store.tables import dead_letter, inbox_partition, parked
from hub.streams.applier import Poisoned
from hub.streams.envelope import GENESIS, BatchPlace, Message, StreamName, extend_all, pack
from hub.streams.memory_feed import MemoryFeed
from tests.support.journals import GROUP, Bench, Recorder, fault_of, until
from tests.support.stores import OpenStore

A = "a"


def batch(stream: StreamName, first: int, records: list[bytes], before: bytes, **place: object) -> Message:
    told = BatchPlace(stream, first, len(records), before, extend_all(before, records), **place)  # type: ignore[arg-type]
    return pack(JOURNAL, told, records, partition=0, written_at=datetime(2024, 1, 1, tzinfo=UTC))


def stream(epoch: str = "e1") -> StreamName:
    return StreamName("other", 0, epoch)


async def letters(bench: Bench) -> list[tuple[str, int, int]]:
    query = sa.select(dead_letter.c.reason, dead_letter.c.position, dead_letter.c.records).order_by(dead_letter.c.id)
    return await bench.consumer.read(lambda tx: [tuple(row) for row in tx.execute(query)])


async def counted(bench: Bench, what: str) -> int:
    column = sa.func.coalesce(sa.func.sum(inbox_partition.c[what]), 0)
    return int(await bench.consumer.read(lambda tx: tx.scalar(sa.select(column))) or 0)


async def test_records_are_applied_once_and_in_order(bench: Bench) -> None:
    await bench.publish("a:1", "a:2", "b:1")
    reader = await bench.reader()
    await bench.applied(reader)
    await bench.publish("a:3")
    await bench.applied(reader)
    assert [r for r in await bench.effects() if r.startswith("a")] == ["a:1", "a:2", "a:3"]
    assert await counted(bench, "applied") == 4


async def test_a_restart_goes_on_from_the_own_place(bench: Bench) -> None:
    await bench.publish("a:1")
    first = await bench.reader()
    await bench.applied(first)
    await first.stop()
    await bench.publish("a:2")
    await bench.applied(await bench.reader())
    assert await bench.effects() == ["a:1", "a:2"]


async def test_a_record_that_the_consumer_drops_is_fetched(bench: Bench) -> None:
    for text in ("a:1", "a:2", "a:3"):
        await bench.publish(text)
    bench.bus.drop(JOURNAL.name, bench.partition_of(A), [1])
    await bench.applied(await bench.reader())
    assert await bench.effects() == ["a:1", "a:2", "a:3"]
    assert await counted(bench, "gaps_fetched") == 1


async def test_records_that_come_in_quick_succession_share_a_commit(bench: Bench) -> None:
    reader = await bench.reader(gather_s=2.0)
    commits: list[None] = []
    bench.consumer.on_commit(lambda: commits.append(None))
    await bench.publish("a:1")
    await bench.applied(reader)
    before = len(commits)
    await bench.publish("a:2")
    await bench.publish("a:3")
    await bench.applied(reader)
    assert await bench.effects() == ["a:1", "a:2", "a:3"]
    assert len(commits) == before + 1


async def test_a_stop_does_not_wait_for_more_to_gather(bench: Bench) -> None:
    reader = await bench.reader(gather_s=60.0)
    await bench.publish("a:1")
    await bench.applied(reader)
    await asyncio.wait_for(reader.stop(), 10)


async def test_a_dropped_last_record_is_fetched_while_idle(bench: Bench) -> None:
    for text in ("a:1", "a:2"):
        await bench.publish(text)
    bench.bus.drop(JOURNAL.name, bench.partition_of(A), [1])
    await bench.applied(await bench.reader())
    assert await bench.effects() == ["a:1", "a:2"]
    assert await counted(bench, "gaps_fetched") == 1


async def test_repeats_of_the_consumer_are_dropped(bench: Bench) -> None:
    for text in ("a:1", "a:2"):
        await bench.publish(text)
    reader = await bench.reader()
    await bench.applied(reader)
    bench.bus.rewind(JOURNAL.name, GROUP, 2)
    await bench.publish("a:3")
    await bench.applied(reader)
    assert await bench.effects() == ["a:1", "a:2", "a:3"]


async def test_repeats_of_the_producer_are_dropped_also_with_other_borders(bench: Bench) -> None:
    records = [b"a:1", b"a:2", b"a:3", b"a:4"]
    for first, taken in ((1, records[:2]), (1, records[:2]), (2, records[1:4])):
        bench.bus.append(batch(stream(), first, taken, extend_all(GENESIS, records[: first - 1])))
    reader = await bench.reader()
    await reader.wait_for({stream(): 4}, 10)
    assert await bench.effects() == ["a:1", "a:2", "a:3", "a:4"]
    assert await counted(bench, "repeats_dropped") == 3


async def test_a_hole_in_a_stream_stops_the_reader(bench: Bench) -> None:
    bench.bus.append(batch(stream(), 1, [b"a:1"], GENESIS))
    bench.bus.append(batch(stream(), 3, [b"a:3"], extend_all(GENESIS, [b"a:1", b"a:2"])))
    error = await fault_of(await bench.reader())
    assert isinstance(error, Fault)
    assert error.code == "stream_hole"
    assert "runbook.md#stream-hole" in str(error)
    assert await bench.effects() in ([], ["a:1"])


@pytest.mark.parametrize("repeat", [(1, [b"x:1"]), (1, [b"x:1", b"a:2"]), (2, [b"a:2"])], ids=["same", "over", "next"])
async def test_other_content_at_a_known_position_stops_the_reader(
    bench: Bench, repeat: tuple[int, list[bytes]]
) -> None:
    first, records = repeat
    bench.bus.append(batch(stream(), 1, [b"a:1"], GENESIS))
    reader = await bench.reader()
    await reader.wait_for({stream(): 1}, 10)
    bench.bus.append(batch(stream(), first, records, extend_all(GENESIS, [b"x:1"] * (first - 1))))
    error = await fault_of(reader)
    assert isinstance(error, Fault)
    assert error.code == "stream_fork"
    assert await bench.effects() == ["a:1"]


async def test_a_new_epoch_goes_on_where_the_old_one_ended(bench: Bench) -> None:
    bench.bus.append(batch(stream(), 1, [b"a:1", b"a:2"], GENESIS))
    after = extend_all(GENESIS, [b"a:1", b"a:2"])
    bench.bus.append(batch(stream("e2"), 3, [b"a:3"], after, continues_from=(stream(), 2)))
    # A late repeat of the old epoch is still a repeat.
    bench.bus.append(batch(stream(), 1, [b"a:1"], GENESIS))
    bench.bus.append(batch(stream("e2"), 4, [b"a:4"], extend_all(after, [b"a:3"]), continues_from=(stream(), 2)))
    reader = await bench.reader()
    await reader.wait_for({stream("e2"): 4}, 10)
    await reader.wait_for({stream(): 2}, 1)
    assert await bench.effects() == ["a:1", "a:2", "a:3", "a:4"]


@pytest.mark.parametrize(
    ("continues", "code"), [(None, "stream_ahead"), (1, "stream_ahead"), (3, "stream_hole")], ids=str
)
async def test_a_restored_or_new_store_behind_us_stops_the_reader(
    bench: Bench, continues: int | None, code: str
) -> None:
    bench.bus.append(batch(stream(), 1, [b"a:1", b"a:2"], GENESIS))
    reader = await bench.reader()
    await reader.wait_for({stream(): 2}, 10)
    place = {} if continues is None else {"continues_from": (stream(), continues)}
    bench.bus.append(batch(stream("e2"), (continues or 0) + 1, [b"a:9"], GENESIS, **place))
    error = await fault_of(reader)
    assert isinstance(error, Fault)
    assert error.code == code


async def test_a_value_that_cannot_be_decoded_is_dead_and_the_stream_goes_on(bench: Bench) -> None:
    good = batch(stream(), 1, [b"a:1", b"a:2"], GENESIS)
    bench.bus.append(Message(good.topic, 0, good.key, b"\xff\xff", good.headers))
    bench.bus.append(batch(stream(), 3, [b"a:3"], extend_all(GENESIS, [b"a:1", b"a:2"])))
    bench.bus.append(Message(JOURNAL.name, 0, b"k", b"stranger", ()))
    reader = await bench.reader()
    await reader.wait_for({stream(): 3}, 10)
    assert await bench.effects() == ["a:3"]

    async def two() -> bool:
        return len(await letters(bench)) == 2

    await until(two)
    assert await letters(bench) == [("undecodable", 1, 2), ("not_a_batch", 0, 0)]
    assert (await bench.consumer.read(reader.books))["dead"] == 2


async def test_a_header_without_a_value_is_a_dead_letter_not_a_crash(bench: Bench) -> None:
    good = batch(stream(), 1, [b"a:1"], GENESIS)
    for missing in ("ce_count", "ce_stream", "ce_hashbefore"):
        headers = tuple((name, None if name == missing else value) for name, value in good.headers)
        bench.bus.append(Message(good.topic, 0, good.key, good.value, headers))  # type: ignore[arg-type] # as Kafka may bring it
    bench.bus.append(good)
    reader = await bench.reader()
    await reader.wait_for({stream(): 1}, 10)
    assert await bench.effects() == ["a:1"]
    assert [reason for reason, _, _ in await letters(bench)] == ["not_a_batch"] * 3


async def test_a_refused_record_is_dead_alone(bench: Bench) -> None:
    await bench.publish("a:1", "a:bad", "a:2")
    await bench.applied(await bench.reader(Recorder(refuses={"a:bad"})))
    assert await bench.effects() == ["a:1", "a:2"]
    assert [(reason, records) for reason, _, records in await letters(bench)] == [("refused", 1)]


async def test_a_run_of_facts_that_came_too_late_is_no_flood(bench: Bench) -> None:
    late = [f"a:{n}" for n in range(40)]
    await bench.publish(*late, "b:1")
    reader = await bench.reader(Recorder(late=set(late)))
    await bench.applied(reader)
    assert await bench.effects() == ["b:1"]
    assert [reason for reason, _, _ in await letters(bench)] == ["wrong_state"] * 40
    assert (await bench.consumer.read(reader.books))["dead"] == 40


async def test_trouble_with_one_dispute_parks_it_and_its_followers_only(bench: Bench) -> None:
    await bench.publish("a:1", "b:1", "a:2", "b:2")
    applier = Recorder(waits_at={"a:1"})
    reader = await bench.reader(applier)
    await bench.applied(reader)
    assert await bench.effects() == ["b:1", "b:2"]
    assert (await bench.consumer.read(reader.books))["parked"] == 2
    # More of the parked dispute queues up behind, also while it is tried again.
    await bench.publish("a:3", "b:3")
    await bench.applied(reader)
    applier.waits_at.clear()

    async def all_applied() -> bool:
        return (await bench.consumer.read(reader.books))["parked"] == 0

    await until(all_applied)
    assert [r for r in await bench.effects() if r[0] == "a"] == ["a:1", "a:2", "a:3"]
    books = await bench.consumer.read(reader.books)
    assert (books["applied"], books["dead"]) == (6, 0)


async def test_a_bug_stops_intake_twice_and_parks_the_dispute_at_the_third_crash(bench: Bench) -> None:
    await bench.publish("a:1", "a:boom", "b:1")
    for attempt in (1, 2):
        reader = await bench.reader(Recorder(dies_at={"a:boom"}))
        error = await fault_of(reader)
        assert isinstance(error, Poisoned)
        assert error.attempts == attempt
        await reader.stop()
    reader = await bench.reader(Recorder(dies_at={"a:boom"}))
    await bench.applied(reader)
    assert sorted(await bench.effects()) == ["a:1", "b:1"]
    waiting = await bench.consumer.read(lambda tx: list(tx.execute(sa.select(parked.c.reason, parked.c.retry_at))))
    assert [tuple(row) for row in waiting] == [("bug", None)]


async def test_a_bug_never_lets_stats_pass(bench: Bench) -> None:
    await bench.publish("a:1", "a:boom", "a:2")
    for _ in range(4):
        reader = await bench.reader(Recorder(dies_at={"a:boom"}), on_bug="stop")
        assert isinstance(await fault_of(reader), Poisoned)
        await reader.stop()
    assert "a:2" not in await bench.effects()


async def test_two_workers_that_swap_partitions_apply_everything_once(bench: Bench, open_store: OpenStore) -> None:
    workers = [await bench.reader(), await bench.reader(store=open_store())]
    relay = await bench.relay()
    expected = []
    for turn in range(20):
        texts = [f"{key}:{turn:02}" for key in "abcdefgh"]
        expected += texts
        await bench.write(*texts)
        bench.bus.rebalance(JOURNAL.name, GROUP, turn)
    await until(bench.sent)
    await bench.applied(workers[0])
    assert sorted(await bench.effects()) == sorted(expected)
    assert await counted(bench, "applied") == len(expected)
    await relay.stop()


async def test_a_truncated_log_is_noticed(bench: Bench) -> None:
    await bench.publish("a:1")
    first = await bench.reader()
    await bench.applied(first)
    await first.stop()
    for text in ("a:2", "a:3", "a:4"):
        await bench.publish(text)
    bench.bus.truncate(JOURNAL.name, bench.partition_of(A), 3)
    error = await fault_of(await bench.reader())
    assert isinstance(error, Fault)
    assert error.code == "log_truncated"


async def test_a_topic_made_anew_is_read_from_its_beginning_and_repeats_are_dropped(bench: Bench) -> None:
    records = [b"a:1", b"a:2"]
    bench.bus.append(batch(stream(), 1, records, GENESIS))
    first = await bench.reader()
    await first.wait_for({stream(): 2}, 10)
    await first.stop()
    bench.bus.recreate(JOURNAL.name)
    bench.bus.append(batch(stream(), 1, [*records, b"a:3"], GENESIS))
    await (await bench.reader()).wait_for({stream(): 3}, 10)
    assert await bench.effects() == ["a:1", "a:2", "a:3"]


async def test_a_dead_consumer_stops_the_reader(bench: Bench) -> None:
    reader = await bench.reader()
    await bench.publish("a:1")
    await bench.applied(reader)
    bench.bus.crash_feeds(JOURNAL.name, GROUP)
    error = await fault_of(reader)
    assert isinstance(error, Fault)
    assert error.code == "feed_crashed"


async def test_a_reader_that_somebody_else_cancelled_says_so_and_its_feed_is_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CancelledError out of the feed is none of the watcher's, and a feed that is left running keeps the process."""
    reader = await bench.reader()

    async def cancelled(_feed: MemoryFeed) -> dict[int, int]:
        raise asyncio.CancelledError

    monkeypatch.setattr(MemoryFeed, "ends", cancelled)
    error = await fault_of(reader)
    assert isinstance(error, Fault)
    assert error.code == "part_ended"
    await reader.stop()
    assert not reader.alive(), "the feed has left its group"


async def test_a_consumer_that_asks_for_nothing_any_more_is_started_again(bench: Bench) -> None:
    reader = await bench.reader()
    await bench.publish("a:1")
    await bench.applied(reader)
    bench.bus.stall_feeds(JOURNAL.name, GROUP)
    await bench.publish("a:2")
    await bench.applied(reader)
    assert await bench.effects() == ["a:1", "a:2"]
    assert reader.alive()


async def test_a_stop_finishes_the_batch_under_way_whole(bench: Bench) -> None:
    await bench.publish(*[f"a:{n:03}" for n in range(300)])
    reader = await bench.reader()
    await asyncio.sleep(0)
    await reader.stop()
    done = len(await bench.effects())
    assert done in {0, 300}
