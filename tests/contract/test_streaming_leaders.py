"""Leaders of partitions move: a feed asks the new ones and reads from them, without a time-out between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.contracts.topics import Topic
from hub.streaming.bus import Bus
from ops.broker import NativeKafka
from tests.support.buses import KafkaRig, collect, fill, until
from tests.support.leaders import move_leaders

pytestmark = pytest.mark.kafka

EACH = 10
MOVED_S = 20.0


@pytest.fixture
async def three_brokers(fresh_topic: Topic, tmp_path: Path) -> AsyncIterator[KafkaRig]:
    brokers = NativeKafka(tmp_path / "brokers", say=print, brokers=3)
    await asyncio.to_thread(brokers.start)
    try:
        rig = KafkaRig(fresh_topic, Bus(brokers.bootstrap, partitions=3, replication=3), tmp_path)
        yield rig
        await rig.close()
    finally:
        await asyncio.to_thread(brokers.stop)


@pytest.mark.usefixtures("kafka_choice")
async def test_a_feed_asks_and_reads_from_leaders_that_moved(three_brokers: KafkaRig) -> None:
    """With some of them moved, kafka-python's consumer asks the old leader for the end until its time-out is over."""
    rig = three_brokers
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
