"""What a feed promises its reader, on the memory bus and on real Kafka (reliability 2, design D3)."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import Fault
from hub.streams.ports import Feed
from tests.support.buses import (
    Rig,
    collect,
    fill,
    numbered,
    offsets_by_partition,
    publish,
    until,
)


async def test_delivers_what_was_published_in_order_per_partition(bus_rig: Rig) -> None:
    await fill(bus_rig, 40)
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    records = await collect(feed, 120)
    assert offsets_by_partition(records) == {partition: list(range(40)) for partition in range(3)}
    for record in records:
        assert record.topic == bus_rig.topic.name
        assert record.value == b"%d" % record.offset
        assert record.key == str(record.partition).encode()
        assert tuple(record.headers) == (("ce_id", record.value),)
        assert record.timestamp_ms > 0
    assert feed.assigned() == {0, 1, 2}


@pytest.mark.parametrize("group_stands", ["nowhere", "behind", "ahead"])
async def test_starts_from_its_own_place_whatever_the_group_says(bus_rig: Rig, group_stands: str) -> None:
    await fill(bus_rig, 30)
    if group_stands != "nowhere":
        bus_rig.commit("readers", dict.fromkeys(range(3), 2 if group_stands == "behind" else 30))
    feed = bus_rig.feed("readers", lambda: {0: 10, 1: 25})
    await feed.start()
    records = await collect(feed, 20 + 5 + 30)
    assert offsets_by_partition(records) == {0: list(range(10, 30)), 1: list(range(25, 30)), 2: list(range(30))}


async def test_gives_nothing_after_the_wait_and_never_more_than_the_limit(bus_rig: Rig) -> None:
    await fill(bus_rig, 10)
    feed = bus_rig.feed("readers", lambda: {0: 10, 1: 10})
    await feed.start()
    await until(lambda: feed.assigned() == {0, 1, 2})
    first: list[int] = []
    while len(first) < 10:
        got = await feed.next(0.5, 4)
        assert len(got) <= 4
        first += [record.offset for record in got]
    assert first == list(range(10))
    assert not await feed.next(0.05, 4)


async def test_a_message_sent_while_waiting_arrives(bus_rig: Rig) -> None:
    publisher = await fill(bus_rig, 1)
    feed = bus_rig.feed("readers", lambda: {0: 1, 1: 1, 2: 1})
    await feed.start()
    await until(lambda: feed.assigned() == {0, 1, 2})
    waiting = asyncio.create_task(collect(feed, 1))
    await asyncio.sleep(0)
    await publish(publisher, numbered(bus_rig.topic, 2, range(1, 2)))
    assert [(record.partition, record.offset) for record in await waiting] == [(2, 1)]


async def test_fetch_reads_past_the_group(bus_rig: Rig) -> None:
    await fill(bus_rig, 20)
    feed = bus_rig.feed("readers", lambda: dict.fromkeys(range(3), 20))
    await feed.start()
    await until(lambda: feed.assigned() == {0, 1, 2})
    fetched = await feed.fetch(1, 5, 9)
    assert [(record.partition, record.offset, record.value) for record in fetched] == [
        (1, offset, b"%d" % offset) for offset in range(5, 9)
    ]
    assert await feed.fetch(1, 5, 5) == []
    assert [record.offset for record in await feed.fetch(1, 18, 99)] == [18, 19]


async def test_knows_ends_and_beginnings(bus_rig: Rig) -> None:
    await fill(bus_rig, 8)
    bus_rig.truncate(2, 3)
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    await until(lambda: feed.assigned() == {0, 1, 2})
    assert await feed.ends() == {0: 8, 1: 8, 2: 8}
    assert await feed.beginnings() == {0: 0, 1: 0, 2: 3}


async def test_a_truncated_log_is_a_fault_not_a_jump(bus_rig: Rig) -> None:
    await fill(bus_rig, 8)
    bus_rig.truncate(0, 5)
    feed = bus_rig.feed("readers", lambda: {0: 2, 1: 8, 2: 8})
    await feed.start()
    # the consumer can only jump; the reader sees the hole and asks for it
    assert [record.offset for record in await collect(feed, 3)] == [5, 6, 7]
    with pytest.raises(Fault) as raised:
        await feed.fetch(0, 2, 5)
    assert raised.value.code == "log_truncated"


async def test_a_topic_created_again_has_another_id_and_is_read_from_its_beginning(bus_rig: Rig) -> None:
    await fill(bus_rig, 6)
    before = bus_rig.feed("readers", dict)
    await before.start()
    await collect(before, 18)
    old = await before.topic_id()
    assert await before.topic_id() == old
    await before.stop()
    bus_rig.recreate()
    await fill(bus_rig, 2)
    after = bus_rig.feed("readers", lambda: dict.fromkeys(range(3), 6))
    await after.start()
    assert await after.topic_id() != old
    assert offsets_by_partition(await collect(after, 6)) == {0: [0, 1], 1: [0, 1], 2: [0, 1]}


async def test_asks_for_the_places_again_at_each_assignment(bus_rig: Rig) -> None:
    await fill(bus_rig, 4)
    store = {0: 4, 1: 4, 2: 4}
    asked: list[int] = []

    def places() -> dict[int, int]:
        asked.append(1)
        return dict(store)

    first = bus_rig.feed("readers", places)
    await first.start()
    while not asked:
        assert not await first.next(0.1, 10)
    # somebody else was here and went back: the next assignment has to see it
    store.update({0: 1, 1: 1, 2: 1})
    second = bus_rig.feed("readers", places)
    await second.start()
    await _share(first, second)
    got = await collect_some(first, second, 9)
    assert len(asked) >= 3
    assert sorted(got) == [(partition, offset) for partition in range(3) for offset in (1, 2, 3)]


async def test_two_members_share_and_lose_nothing_when_they_read_by_own_places(bus_rig: Rig) -> None:
    """Members come and go under load; a store shared by both plays the readers' inbox."""
    publisher = await fill(bus_rig, 50)
    inbox = dict.fromkeys(range(3), 0)
    applied: dict[int, list[int]] = {partition: [] for partition in range(3)}
    first, second = bus_rig.feed("readers", lambda: dict(inbox)), bus_rig.feed("readers", lambda: dict(inbox))

    async def read(feed: Feed) -> None:
        for record in await feed.next(0.1, 20):
            if record.offset == inbox[record.partition]:
                inbox[record.partition] += 1
                applied[record.partition].append(record.offset)

    async def drain(feeds: list[Feed], end: int) -> None:
        async with asyncio.timeout(30):
            while any(place < end for place in inbox.values()):
                for feed in feeds:
                    await read(feed)

    await first.start()
    await drain([first], 50)
    await second.start()
    for partition in range(3):
        await publish(publisher, numbered(bus_rig.topic, partition, range(50, 90)))
    await drain([first, second], 90)
    await _share(first, second)
    await first.stop()
    for partition in range(3):
        await publish(publisher, numbered(bus_rig.topic, partition, range(90, 120)))
    await drain([second], 120)
    assert applied == {partition: list(range(120)) for partition in range(3)}
    assert second.assigned() == {0, 1, 2}


async def test_is_alive_between_start_and_stop(bus_rig: Rig) -> None:
    await fill(bus_rig, 1)
    feed = bus_rig.feed("readers", dict)
    assert not feed.alive()
    await feed.start()
    await collect(feed, 3)
    assert feed.alive()
    await feed.stop()
    assert not feed.alive()
    assert feed.assigned() == frozenset()


async def test_nothing_is_lost_while_nobody_calls(bus_rig: Rig) -> None:
    await fill(bus_rig, 400)
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    await until(lambda: feed.assigned() == {0, 1, 2})
    await asyncio.sleep(0.5)
    records = await collect(feed, 1200)
    assert offsets_by_partition(records) == {partition: list(range(400)) for partition in range(3)}


async def _share(first: Feed, second: Feed) -> None:
    """Wait until two members own everything between them."""

    def shared() -> bool:
        mine, yours = first.assigned(), second.assigned()
        return bool(mine and yours) and mine | yours == {0, 1, 2} and not mine & yours

    await until(shared)


async def collect_some(first: Feed, second: Feed, count: int) -> set[tuple[int, int]]:
    """Read from both until `count` different records came."""
    found: set[tuple[int, int]] = set()
    async with asyncio.timeout(20):
        while len(found) < count:
            for feed in (first, second):
                found |= {(record.partition, record.offset) for record in await feed.next(0.1, 50)}
    return found
