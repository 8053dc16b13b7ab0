"""Topics made anew, and reading from a time on, on a real Kafka."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from hub.kafka.admin import recreate
from hub.kafka.log import Log
from tests.support.buses import KafkaRig, fill


@pytest.mark.kafka
async def test_a_topic_made_anew_is_empty_and_has_its_new_partitions(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 3)
    before = Log(kafka_rig.bus)
    old = await asyncio.to_thread(before.topic_id, kafka_rig.topic.name)
    before.close()
    await asyncio.to_thread(recreate, replace(kafka_rig.bus, partitions=12), [kafka_rig.topic])
    log = Log(kafka_rig.bus)
    assert await asyncio.to_thread(log.ends, kafka_rig.topic.name) == dict.fromkeys(range(12), 0)
    assert await asyncio.to_thread(log.topic_id, kafka_rig.topic.name) != old
    log.close()


@pytest.mark.kafka
async def test_reads_from_a_time_on(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 4)
    log = Log(kafka_rig.bus)
    name = kafka_rig.topic.name
    assert await asyncio.to_thread(log.since, name, 0.0) == {0: 0, 1: 0, 2: 0}
    assert await asyncio.to_thread(log.since, name, time.time() + 60) == {0: 4, 1: 4, 2: 4}
    (page,) = await asyncio.to_thread(lambda: list(log.pages(name, 1, 2)))
    at = page[0].timestamp_ms / 1000
    assert (await asyncio.to_thread(log.since, name, at))[1] <= 2
    log.close()
