"""One rig per bus (memory, real Kafka), so that one contract suite runs on both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
import stamina
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from hub.errors import Retryable
from hub.kafka.admin import provision
from hub.kafka.bus import Bus
from hub.kafka.clients import admin
from hub.kafka.publisher import KafkaPublisher
from hub.kafka.worker import MAX_RECORDS, FaustFeed
from hub.streams.envelope import Message
from hub.streams.memory import MemoryBus, MemoryPublisher
from hub.streams.memory_feed import MemoryFeed
from hub.streams.ports import Delivery, Feed, FeedRecord, Places, Publisher
from hub.streams.topics import Topic

DEADLINE_S = 20.0


async def until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Poll a condition; fail with its name when the deadline passes."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not reached in {deadline_s} s"
        await asyncio.sleep(0.02)


class Rig(Protocol):
    """A topic with three partitions on some bus."""

    topic: Topic

    def publisher(self) -> Publisher: ...

    def feed(self, group: str, places: Places) -> Feed: ...

    def commit(self, group: str, offsets: Mapping[int, int]) -> None:
        """Write the group's own offsets, which a reader must not follow."""

    def truncate(self, partition: int, before: int) -> None: ...

    def recreate(self) -> None: ...

    async def close(self) -> None: ...


class MemoryRig:
    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.bus = MemoryBus([topic], 3)
        self._feeds: list[Feed] = []

    def publisher(self) -> Publisher:
        return MemoryPublisher(self.bus)

    def feed(self, group: str, places: Places) -> Feed:
        self._feeds.append(MemoryFeed(self.bus, self.topic, group, places))
        return self._feeds[-1]

    def commit(self, group: str, offsets: Mapping[int, int]) -> None:
        """A group on the memory bus has no offsets."""

    def truncate(self, partition: int, before: int) -> None:
        self.bus.truncate(self.topic.name, partition, before)

    def recreate(self) -> None:
        self.bus.recreate(self.topic.name)

    async def close(self) -> None:
        for feed in self._feeds:
            await feed.stop()


class KafkaRig:
    def __init__(self, topic: Topic, bus: Bus, folder: Path) -> None:
        self.topic = topic
        self.bus = bus
        self._folder = folder
        self._feeds: list[FaustFeed] = []
        self._publishers: list[Publisher] = []
        provision(bus, [topic])

    def publisher(self) -> Publisher:
        self._publishers.append(KafkaPublisher(self.bus))
        return self._publishers[-1]

    def feed(self, group: str, places: Places, *, max_records: int = MAX_RECORDS) -> FaustFeed:
        folder, name = self._folder / uuid4().hex, f"{self.topic.name}-{group}"
        self._feeds.append(FaustFeed(self.bus, self.topic, name, places, folder, max_records=max_records))
        return self._feeds[-1]

    def commit(self, group: str, offsets: Mapping[int, int]) -> None:
        committed = {TopicPartition(self.topic.name, p): OffsetAndMetadata(o, "", -1) for p, o in offsets.items()}
        # a broker that was just started has no coordinator yet
        for attempt in stamina.retry_context(on=Retryable, timeout=DEADLINE_S, attempts=None):
            with attempt, admin(self.bus) as client:
                client.alter_group_offsets(f"{self.topic.name}-{group}", committed)

    def truncate(self, partition: int, before: int) -> None:
        with admin(self.bus) as client:
            client.delete_records({TopicPartition(self.topic.name, partition): before})

    def recreate(self) -> None:
        with admin(self.bus) as client:
            client.delete_topics([self.topic.name, self.topic.dead_letters])
        provision(self.bus, [self.topic])

    async def close(self) -> None:
        for feed in self._feeds:
            await feed.stop()
        for publisher in self._publishers:
            publisher.close()


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def bus_rig(request: pytest.FixtureRequest, fresh_topic: Topic, tmp_path: Path) -> AsyncIterator[Rig]:
    made: Rig
    if request.param == "memory":
        made = MemoryRig(fresh_topic)
    else:
        made = KafkaRig(fresh_topic, request.getfixturevalue("kafka_bus"), tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def kafka_rig(fresh_topic: Topic, kafka_bus: Bus, tmp_path: Path) -> AsyncIterator[KafkaRig]:
    made = KafkaRig(fresh_topic, kafka_bus, tmp_path)
    yield made
    await made.close()


def numbered(topic: Topic, partition: int, numbers: range) -> list[Message]:
    return [
        Message(topic.name, partition, str(partition).encode(), b"%d" % number, (("ce_id", b"%d" % number),))
        for number in numbers
    ]


async def publish(publisher: Publisher, messages: Sequence[Message]) -> None:
    """Send and wait for all confirmations."""
    deliveries: list[Delivery] = [publisher.send(message) for message in messages]
    await until(lambda: all(delivery.done() for delivery in deliveries))
    assert [delivery.failure() for delivery in deliveries] == [None] * len(messages)


async def fill(rig: Rig, count: int) -> Publisher:
    """Put values 0..count-1, which equal the offsets, into every partition."""
    publisher = rig.publisher()
    for partition in range(3):
        await publish(publisher, numbered(rig.topic, partition, range(count)))
    return publisher


async def collect(feed: Feed, count: int, deadline_s: float = DEADLINE_S) -> list[FeedRecord]:
    """Read exactly `count` records."""
    records: list[FeedRecord] = []
    deadline = time.monotonic() + deadline_s
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records came"
        records += await feed.next(0.2, 100)
    assert len(records) == count
    return records


def offsets_by_partition(records: Sequence[FeedRecord]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for record in records:
        found.setdefault(record.partition, []).append(record.offset)
    return found
