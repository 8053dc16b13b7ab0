"""Seams of the in-memory bus: each does what its name says, so that service tests can rely on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from dispute.contracts.topics import JOURNAL, TOPICS
from hub.errors import Fault, Retryable
from hub.streams.envelope import Message
from hub.streams.memory import MemoryBus, MemoryPublisher, SendMode
from hub.streams.memory_feed import MemoryFeed

Filled = Callable[[int], MemoryBus]


@pytest.fixture
def filled() -> Filled:
    def make(count: int) -> MemoryBus:
        bus = MemoryBus(TOPICS, 2)
        publisher = MemoryPublisher(bus)
        for number in range(count):
            for partition in range(2):
                publisher.send(Message(JOURNAL.name, partition, b"k", b"%d" % number))
        return bus

    return make


async def started(bus: MemoryBus, group: str = "g") -> MemoryFeed:
    feed = MemoryFeed(bus, JOURNAL, group, dict)
    await feed.start()
    return feed


def offsets(feed_records: object, partition: int) -> list[int]:
    assert isinstance(feed_records, list)
    return [record.offset for record in feed_records if record.partition == partition]


async def test_a_dropped_record_is_delivered_never_but_can_be_fetched(filled: Filled) -> None:
    bus = filled(5)
    bus.drop(JOURNAL.name, 0, [1, 4])
    feed = await started(bus)
    records = await feed.next(0.1, 100)
    assert offsets(records, 0) == [0, 2, 3]
    assert offsets(records, 1) == [0, 1, 2, 3, 4]
    assert not await feed.next(0.01, 100)
    assert [record.offset for record in await feed.fetch(0, 0, 5)] == [0, 1, 2, 3, 4]


async def test_rewind_repeats(filled: Filled) -> None:
    bus = filled(3)
    feed = await started(bus)
    await feed.next(0.1, 100)
    bus.rewind(JOURNAL.name, "g", 2)
    assert offsets(await feed.next(0.1, 100), 0) == [1, 2]


async def test_the_order_between_partitions_varies(filled: Filled) -> None:
    feed = await started(filled(4))
    first = {(await feed.next(0.1, 1))[0].partition for _ in range(4)}
    assert first == {0, 1}


async def test_truncation_takes_the_oldest(filled: Filled) -> None:
    bus = filled(5)
    bus.truncate(JOURNAL.name, 0, 3)
    feed = await started(bus)
    assert offsets(await feed.next(0.1, 100), 0) == [3, 4]
    assert await feed.beginnings() == {0: 3, 1: 0}
    with pytest.raises(Fault):
        await feed.fetch(0, 0, 5)


async def test_a_crash_comes_out_of_next_also_while_waiting(filled: Filled) -> None:
    bus = filled(0)
    feed = await started(bus)
    waiting = asyncio.create_task(feed.next(5, 1))
    await asyncio.sleep(0)
    bus.crash_feeds(JOURNAL.name, "g")
    with pytest.raises(Fault, match="feed_crashed"):
        await waiting
    assert not feed.alive()


async def test_a_rebalance_asks_for_the_places_again(filled: Filled) -> None:
    bus = filled(4)
    asked: list[int] = []

    def places() -> dict[int, int]:
        asked.append(1)
        return {0: 3, 1: 4}

    feed = MemoryFeed(bus, JOURNAL, "g", places)
    await feed.start()
    assert offsets(await feed.next(0.1, 100), 0) == [3]
    bus.rebalance(JOURNAL.name, "g")
    assert offsets(await feed.next(0.1, 100), 0) == [3]
    assert len(asked) == 2


async def test_turns_move_partitions_between_members(filled: Filled) -> None:
    bus = filled(0)
    first, second = await started(bus), await started(bus)
    before = first.assigned(), second.assigned()
    bus.rebalance(JOURNAL.name, "g", turn=1)
    assert (second.assigned(), first.assigned()) == before


async def test_groups_do_not_share(filled: Filled) -> None:
    bus = filled(2)
    mine, yours = await started(bus, "a"), await started(bus, "b")
    assert len(await mine.next(0.1, 100)) == 4
    assert len(await yours.next(0.1, 100)) == 4


async def test_down_means_no_answers(filled: Filled) -> None:
    bus = filled(1)
    feed = await started(bus)
    bus.sending = SendMode.DOWN
    for ask in (feed.ends, feed.beginnings, feed.topic_id):
        with pytest.raises(Retryable):
            await ask()
    with pytest.raises(Retryable):
        await feed.fetch(0, 0, 1)


async def test_publishing_from_a_thread_wakes_the_feed(filled: Filled) -> None:
    bus = filled(0)
    feed = await started(bus)
    waiting = asyncio.create_task(feed.next(5, 1))
    await asyncio.sleep(0)
    await asyncio.to_thread(MemoryPublisher(bus).send, Message(JOURNAL.name, 0, b"k", b"v"))
    assert [record.value for record in await waiting] == [b"v"]


async def test_stopping_twice_is_harmless(filled: Filled) -> None:
    feed = await started(filled(0))
    await feed.stop()
    await feed.stop()
    assert feed.assigned() == frozenset()
