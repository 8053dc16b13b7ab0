"""What only the Faust feed can get wrong: memory, rebalances under a full buffer, crashes, refusals, the process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from hub.errors import Fault, Retryable
from hub.kafka.bus import Bus
from hub.kafka.transport import LEAVE_S, OwnPlaceConsumer
from hub.kafka.worker import FAUST_QUEUE, MAX_BYTES, FaustFeed
from hub.streams.envelope import Message
from hub.streams.topics import Topic
from ops.run.broker import NativeKafka
from tests.support.buses import KafkaRig, collect, fill, offsets_by_partition, publish, until

pytestmark = pytest.mark.kafka


async def test_holds_a_bounded_number_while_nobody_calls(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 300)
    feed = kafka_rig.feed("slow", dict, max_records=10)
    await feed.start()
    await until(lambda: feed.held == 10)
    agent_queue = FAUST_QUEUE + 1
    await asyncio.sleep(0.5)
    assert feed.held == 10
    assert feed.alive(), "a slow reader is not a dead consumer"
    # everything comes in the end, so nothing was thrown away to stay within the bound
    records = await collect(feed, 900)
    assert offsets_by_partition(records) == {partition: list(range(300)) for partition in range(3)}
    assert agent_queue < 300
    await feed.stop()


async def test_the_buffer_is_bounded_in_bytes_too(kafka_rig: KafkaRig) -> None:
    big = [Message(kafka_rig.topic.name, 0, b"0", bytes(512 * 1024)) for _ in range(60)]
    await publish(kafka_rig.publisher(), big)
    feed = kafka_rig.feed("big", dict)
    bound = MAX_BYTES // (512 * 1024)
    await feed.start()
    await until(lambda: feed.held >= bound)
    await asyncio.sleep(0.3)
    assert feed.held == bound < 60
    assert len(await collect(feed, 60)) == 60
    await feed.stop()


async def test_a_full_buffer_does_not_hold_up_a_rebalance(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 100)
    first, second = (kafka_rig.feed("pair", dict, max_records=5) for _ in range(2))
    await first.start()
    await until(lambda: first.held == 5)
    started = time.monotonic()
    await second.start()
    await until(lambda: second.assigned() and first.assigned() and not first.assigned() & second.assigned(), 10)
    assert time.monotonic() - started < 8
    # what it held of partitions that went away is gone: only its own ones come out
    records = await first.next(1.0, 100)
    assert {record.partition for record in records} <= first.assigned()
    await first.stop()
    await second.stop()


async def test_stopping_hands_over_at_once(kafka_rig: KafkaRig) -> None:
    await hands_over(kafka_rig, kafka_rig.bus.session_timeout_s / 2)


async def test_it_leaves_the_group_though_the_consumer_does_not_come_to_an_end(
    kafka_rig: KafkaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the middle of a rebalance that others hold up."""

    async def stuck(self: AIOKafkaConsumer) -> None:
        self._closed = True
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaConsumer, "stop", stuck)
    await hands_over(kafka_rig, LEAVE_S + kafka_rig.bus.session_timeout_s / 2)


async def hands_over(kafka_rig: KafkaRig, within_s: float) -> None:
    """Stop one of two members: the other has all partitions before a session could have ended."""
    await fill(kafka_rig, 5)
    first, second = kafka_rig.feed("pair", dict), kafka_rig.feed("pair", dict)
    await first.start()
    await collect(first, 15)
    await second.start()
    await until(second.assigned)
    started = time.monotonic()
    stopping = asyncio.create_task(first.stop())
    await until(lambda: second.assigned() == {0, 1, 2})
    # When the rest of the stop is over is another matter: it waits for Faust's threads.
    assert time.monotonic() - started < within_s, "it left the group, nobody timed it out"
    await stopping


async def test_the_first_message_comes_within_five_seconds(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 1)
    feed = kafka_rig.feed("quick", dict)
    started = time.monotonic()
    await feed.start()
    await collect(feed, 3)
    assert time.monotonic() - started < 5


async def test_a_crash_of_the_consumer_comes_out_of_next(kafka_rig: KafkaRig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    await fill(kafka_rig, 1)
    feed = kafka_rig.feed("crash", dict)
    assert isinstance(feed, FaustFeed)
    await feed.start()
    await collect(feed, 3)
    await feed._app.crash(RuntimeError("planted"))
    assert not feed.alive()
    with pytest.raises(Fault, match="planted") as raised:
        await feed.next(1.0, 1)
    assert raised.value.code == "feed_crashed"
    started = time.monotonic()
    await feed.stop()
    assert time.monotonic() - started < 11


async def test_a_failing_store_at_an_assignment_is_a_crash_not_a_silence(
    kafka_rig: KafkaRig,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL)

    def places() -> dict[int, int]:
        raise RuntimeError("store is gone")

    await fill(kafka_rig, 1)
    feed = kafka_rig.feed("crash", places)
    with pytest.raises(Fault) as raised:  # noqa: PT012 - either the start or a later call tells
        await feed.start()
        async with asyncio.timeout(15):
            while True:
                await feed.next(0.2, 10)
    assert raised.value.code == "feed_crashed"


async def test_before_it_starts_or_after_it_stopped_next_is_a_fault(kafka_rig: KafkaRig) -> None:
    feed = kafka_rig.feed("unstarted", dict)
    with pytest.raises(Fault):
        await feed.next(0.1, 1)


async def test_takes_over_neither_signals_nor_logging(kafka_rig: KafkaRig) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
    before = (
        [signal.getsignal(number) for number in numbers],
        list(logging.root.handlers),
        logging.root.level,
        sys.stdout,
        sys.stderr,
        sys.excepthook,
    )
    feed = kafka_rig.feed("polite", dict)
    await feed.start()
    await until(feed.assigned)
    after = (
        [signal.getsignal(number) for number in numbers],
        list(logging.root.handlers),
        logging.root.level,
        sys.stdout,
        sys.stderr,
        sys.excepthook,
    )
    assert after == before


async def test_with_the_drivers_own_seek_it_would_follow_the_group(
    kafka_rig: KafkaRig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The guard of rule 2, broken on purpose: the group's offset wins and records are missed."""
    await fill(kafka_rig, 10)
    kafka_rig.commit("stock", dict.fromkeys(range(3), 8))
    monkeypatch.delattr(OwnPlaceConsumer, "seek_to_committed")
    feed = kafka_rig.feed("stock", lambda: dict.fromkeys(range(3), 2))
    await feed.start()
    records = await collect(feed, 6)
    assert offsets_by_partition(records) == {0: [8, 9], 1: [8, 9], 2: [8, 9]}


async def test_without_a_broker_start_says_so_at_once(fresh_topic: Topic, tmp_path: Path) -> None:
    feed = FaustFeed(Bus("127.0.0.1:9"), fresh_topic, "nobody", dict, tmp_path)
    started = time.monotonic()
    with pytest.raises(Retryable, match="no route"):
        await feed.start()
    assert time.monotonic() - started < 2
    assert not feed.alive()
    await feed.stop()


async def test_without_its_topic_start_says_so(kafka_bus: Bus, fresh_topic: Topic, tmp_path: Path) -> None:
    feed = FaustFeed(kafka_bus, fresh_topic, "nobody", dict, tmp_path)
    with pytest.raises(Retryable, match="does not exist"):
        await feed.start()
    await feed.stop()


async def test_survives_an_outage_of_the_broker(native_kafka: NativeKafka, fresh_topic: Topic, tmp_path: Path) -> None:
    bus = Bus(native_kafka.bootstrap, partitions=3)
    rig = KafkaRig(fresh_topic, bus, tmp_path)
    await fill(rig, 5)
    inbox = dict.fromkeys(range(3), 0)
    feed = rig.feed("outage", lambda: dict(inbox))

    async def drain(end: int) -> None:
        async with asyncio.timeout(40):
            while any(place < end for place in inbox.values()):
                for record in await feed.next(0.2, 50):
                    if record.offset == inbox[record.partition]:
                        inbox[record.partition] += 1

    await feed.start()
    await drain(5)
    native_kafka.kill9()
    try:
        with pytest.raises(Retryable):
            await feed.ends()
    finally:
        native_kafka.restart()
        native_kafka.wait_ready()
    await fill(rig, 5)
    await drain(10)
    assert feed.alive()
    await rig.close()
