"""A feed whose reader is far behind: the consumer brings what is new, pages from the log the rest (ADR 0008)."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import Fault
from hub.streams import starts
from hub.streams.envelope import Message
from hub.streams.ports import PAGE_BYTES, PAGE_MESSAGES, Feed, FeedRecord
from tests.support.buses import Rig, collect, fill, numbered, offsets_by_partition, publish, until


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few messages are far enough."""
    monkeypatch.setattr(starts, "FAR", 20)


async def began(feed: Feed) -> None:
    """Wait until the consumer was sent somewhere in every partition."""
    while feed.began().keys() != {0, 1, 2}:
        assert not await feed.next(0.05, 10)


async def pages(feed: Feed, partition: int, start: int, end: int) -> list[list[FeedRecord]]:
    found: list[list[FeedRecord]] = []
    while start < end:
        found.append(list(await feed.fetch(partition, start, end)))
        assert [record.offset for record in found[-1]] == list(range(start, start + len(found[-1])))
        assert found[-1], "a page is empty only at the log's end"
        start += len(found[-1])
    return found


@pytest.mark.usefixtures("near")
async def test_far_behind_it_begins_at_the_end_and_near_at_the_place(bus_rig: Rig) -> None:
    publisher = await fill(bus_rig, 40)
    feed = bus_rig.feed("readers", lambda: {0: 5, 1: 25})
    await feed.start()
    assert offsets_by_partition(await collect(feed, 15)) == {1: list(range(25, 40))}
    assert feed.began() == {0: 40, 1: 25, 2: 40}
    for partition in range(3):
        await publish(publisher, numbered(bus_rig.topic, partition, range(40, 43)))
    assert offsets_by_partition(await collect(feed, 9)) == {partition: [40, 41, 42] for partition in range(3)}
    assert [record.offset for page in await pages(feed, 0, 5, 43) for record in page] == list(range(5, 43))


@pytest.mark.usefixtures("near")
async def test_the_next_assignment_begins_anew(bus_rig: Rig) -> None:
    await fill(bus_rig, 40)
    store = dict.fromkeys(range(3), 0)
    first = bus_rig.feed("readers", lambda: dict(store))
    await first.start()
    await began(first)
    assert first.began() == dict.fromkeys(range(3), 40)
    store.update(dict.fromkeys(range(3), 30))
    await first.stop()
    assert first.began() == {}
    second = bus_rig.feed("readers", lambda: dict(store))
    await second.start()
    assert len(await collect(second, 30)) == 30
    assert second.began() == dict.fromkeys(range(3), 30)


async def test_a_page_is_bounded_in_messages(bus_rig: Rig) -> None:
    count = PAGE_MESSAGES + 100
    await publish(bus_rig.publisher(), numbered(bus_rig.topic, 1, range(count)))
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    found = await pages(feed, 1, 0, count)
    assert max(map(len, found)) <= PAGE_MESSAGES
    assert sum(map(len, found)) == count


async def test_a_page_is_bounded_in_bytes(bus_rig: Rig) -> None:
    large = 512 * 1024
    await publish(bus_rig.publisher(), [Message(bus_rig.topic.name, 0, b"0", bytes(large)) for _ in range(40)])
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    found = await pages(feed, 0, 0, 40)
    assert max(sum(len(record.value or b"") for record in page) for page in found) <= PAGE_BYTES


async def test_partitions_and_places_may_be_fetched_in_any_order(bus_rig: Rig) -> None:
    await fill(bus_rig, 60)
    feed = bus_rig.feed("readers", lambda: dict.fromkeys(range(3), 60))
    await feed.start()
    for partition, start, end in ((0, 0, 30), (1, 5, 60), (0, 30, 60), (0, 10, 20), (2, 59, 60)):
        assert sum(map(len, await pages(feed, partition, start, end))) == end - start


async def test_a_fetch_that_was_given_up_does_not_spoil_the_next(bus_rig: Rig) -> None:
    await fill(bus_rig, 60)
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    for _ in range(3):
        fetching = asyncio.ensure_future(feed.fetch(0, 0, 60))
        await asyncio.sleep(0)
        fetching.cancel()
        await asyncio.wait({fetching})
    assert sum(map(len, await pages(feed, 0, 0, 60))) == 60


async def test_at_the_end_of_the_log_there_is_nothing(bus_rig: Rig) -> None:
    await fill(bus_rig, 10)
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    assert list(await feed.fetch(0, 10, 20)) == []


async def test_what_was_deleted_meanwhile_is_a_fault(bus_rig: Rig) -> None:
    await fill(bus_rig, 30)
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    assert len(await feed.fetch(0, 0, 10)) == 10
    bus_rig.truncate(0, 20)
    with pytest.raises(Fault) as raised:
        await feed.fetch(0, 5, 30)
    assert raised.value.code == "log_truncated"
    assert sum(map(len, await pages(feed, 0, 20, 30))) == 10


async def test_a_reader_that_rebuilds_and_one_that_is_near_share_the_group(bus_rig: Rig) -> None:
    """Everything is read once by whoever owns it, from the log or from the consumer."""
    await fill(bus_rig, starts.FAR + 50)
    inbox = {0: 0, 1: starts.FAR, 2: 10}
    feeds = [bus_rig.feed("readers", lambda: dict(inbox)) for _ in range(2)]
    for feed in feeds:
        await feed.start()

    async def step(feed: Feed) -> None:
        records = list(await feed.next(0.02, 100))
        for partition in feed.assigned():
            upto = feed.began().get(partition, 0)
            if inbox[partition] < upto:
                records += await feed.fetch(partition, inbox[partition], upto)
        for record in records:
            if record.offset == inbox[record.partition]:
                inbox[record.partition] += 1

    async with asyncio.timeout(30):
        while any(place < starts.FAR + 50 for place in inbox.values()):
            for feed in feeds:
                await step(feed)
    await until(lambda: set(inbox.values()) == {starts.FAR + 50})
