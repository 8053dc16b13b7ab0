"""The plain consumer of tools and gap fetches, on a real Kafka."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hub.errors import Fault, Retryable
from hub.kafka.bus import Bus
from hub.kafka.log import PAGE, Log
from tests.support.buses import KafkaRig, fill, numbered, publish


@pytest.mark.kafka
async def test_reads_a_range_of_one_partition(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 20)
    log = Log(kafka_rig.bus)
    records = await asyncio.to_thread(log.read, kafka_rig.topic.name, 2, 4, 8)
    assert [(record.partition, record.offset, record.value) for record in records] == [
        (2, offset, b"%d" % offset) for offset in range(4, 8)
    ]
    assert await asyncio.to_thread(log.read, kafka_rig.topic.name, 2, 20, 30) == []
    assert await asyncio.to_thread(log.ends, kafka_rig.topic.name) == {0: 20, 1: 20, 2: 20}
    assert await asyncio.to_thread(log.beginnings, kafka_rig.topic.name, [1]) == {1: 0}
    log.close()


@pytest.mark.kafka
async def test_a_long_log_comes_in_pages(kafka_rig: KafkaRig) -> None:
    count = 2 * PAGE + 7
    await publish(kafka_rig.publisher(), numbered(kafka_rig.topic, 0, range(count)))
    log = Log(kafka_rig.bus)
    pages = await asyncio.to_thread(lambda: list(log.pages(kafka_rig.topic.name, 0, 0)))
    assert max(len(page) for page in pages) <= PAGE
    assert [record.offset for page in pages for record in page] == list(range(count))
    log.close()


@pytest.mark.kafka
async def test_what_retention_took_is_a_fault(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 10)
    kafka_rig.truncate(0, 6)
    log = Log(kafka_rig.bus)
    with pytest.raises(Fault) as raised:
        await asyncio.to_thread(log.read, kafka_rig.topic.name, 0, 3, 9)
    assert raised.value.code == "log_truncated"
    records = await asyncio.to_thread(log.read, kafka_rig.topic.name, 0, 6, 9)
    assert [record.offset for record in records] == [6, 7, 8]
    log.close()


@pytest.mark.kafka
async def test_many_threads_may_read(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 30)
    log = Log(kafka_rig.bus)
    reads = [asyncio.to_thread(log.read, kafka_rig.topic.name, number % 3, number, number + 5) for number in range(12)]
    for number, records in enumerate(await asyncio.gather(*reads)):
        assert [(record.partition, record.offset) for record in records] == [
            (number % 3, offset) for offset in range(number, number + 5)
        ]
    log.close()


@pytest.mark.kafka
async def test_closed_it_leaves_no_thread(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 1)
    before = {thread.name for thread in threading.enumerate()}
    log = Log(kafka_rig.bus)
    log.ends(kafka_rig.topic.name)
    log.close()
    left = {thread.name for thread in threading.enumerate() if "kafka" in thread.name} - before
    assert not left


def test_without_a_broker_it_says_so() -> None:
    log = Log(Bus("127.0.0.1:9"))
    with pytest.raises(Retryable, match="no route"):
        log.read("any", 0, 0, 1)
    log.close()
