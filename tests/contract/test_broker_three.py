"""Three native brokers: one that leads no more, one that was killed, and one that is left without a quorum."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.kafka.admin import describe
from hub.kafka.bus import Bus
from hub.streams.topics import Topic
from ops.run.broker import NativeKafka
from tests.support.buses import KafkaRig, collect, fill, until
from tests.support.leaders import move_leaders

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("kafka_choice")]

EACH = 10
MOVED_S = 20.0
STOPPED_S = 12.0
"""A process has 20 s for all its parts."""


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeKafka]:
    three = NativeKafka(tmp_path_factory.mktemp("three"), say=print, brokers=3)
    three.start()
    yield three
    three.stop()


async def test_a_feed_asks_and_reads_from_leaders_that_moved(
    brokers: NativeKafka,
    fresh_topic: Topic,
    tmp_path: Path,
) -> None:
    """With some of them moved, kafka-python's consumer asks the old leader for the end until its time-out is over."""
    rig = KafkaRig(fresh_topic, Bus(brokers.bootstrap, partitions=3, replication=3), tmp_path)
    feed = rig.feed("moved", dict)
    await feed.start()
    await until(lambda: len(feed.assigned()) == rig.bus.partitions)
    for rounds, partition in enumerate(range(rig.bus.partitions), 1):
        await fill(rig, EACH)
        await collect(feed, 3 * EACH)
        ends = dict.fromkeys(range(rig.bus.partitions), rounds * EACH)
        assert await feed.ends() == ends
        assert await asyncio.to_thread(move_leaders, rig.bus, [rig.topic.name], MOVED_S, of=[partition]) == (1, 1)
        assert await feed.ends() == ends
        assert await feed.beginnings() == dict.fromkeys(ends, 0)
    await rig.close()


def test_a_killed_broker_is_waited_for_itself(brokers: NativeKafka) -> None:
    """The others list it until its session is over, longer than its start takes."""
    killed = brokers.nodes[1]
    brokers.kill9(killed.number)
    brokers.restart(killed.number)
    brokers.wait_ready()
    assert len(describe(Bus(f"127.0.0.1:{killed.port}")).brokers) == len(brokers.nodes)


async def test_a_feed_stops_in_time_without_a_quorum(brokers: NativeKafka, fresh_topic: Topic, tmp_path: Path) -> None:
    """Two of three are gone: the third still takes connections, and answers nothing about groups."""
    rig = KafkaRig(fresh_topic, Bus(brokers.bootstrap, partitions=3, replication=3), tmp_path)
    feed = rig.feed("left", dict)
    await feed.start()
    await until(lambda: len(feed.assigned()) == rig.bus.partitions)
    await fill(rig, EACH)
    await collect(feed, 3 * EACH)
    gone = [node.number for node in brokers.nodes[:2]]
    for number in gone:
        await asyncio.to_thread(brokers.kill9, number)
    try:
        began = time.monotonic()
        await feed.stop()
        assert time.monotonic() - began < STOPPED_S
    finally:
        for number in gone:
            await asyncio.to_thread(brokers.restart, number)
        await asyncio.to_thread(brokers.wait_ready)
        await rig.close()
