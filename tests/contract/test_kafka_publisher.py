"""What a publisher promises the relay, on the memory bus and on real Kafka (reliability 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from signal import SIGCONT, SIGSTOP

import pytest
from kafka import KafkaProducer
from kafka.errors import ClusterAuthorizationFailedError, KafkaError, RequestTimedOutError
from kafka.producer.transaction_manager import TxnRequestHandler

from hub.errors import Bug, Fault, Refusal, Retryable
from hub.kafka.admin import provision
from hub.kafka.bus import Bus
from hub.kafka.clients import admin, codec
from hub.kafka.log import Log
from hub.kafka.publisher import KafkaPublisher, verdict
from hub.streams.envelope import Message
from hub.streams.memory import MemoryPublisher, SendMode
from hub.streams.topics import Topic
from ops.run.broker import NativeKafka
from tests.support.buses import KafkaRig, MemoryRig, Rig, collect, numbered, publish, until


async def test_confirms_what_it_stored(bus_rig: Rig) -> None:
    publisher = bus_rig.publisher()
    await publish(publisher, numbered(bus_rig.topic, 1, range(5)))
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    assert [record.value for record in await collect(feed, 5)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_an_unknown_topic_is_not_available(bus_rig: Rig) -> None:
    with pytest.raises(Retryable) as raised:
        bus_rig.publisher().send(Message("no.such.topic", 0, b"k", b"v"))
    assert raised.value.code == "bus_unavailable"


async def test_an_unknown_partition_is_not_available(bus_rig: Rig) -> None:
    with pytest.raises(Retryable) as raised:
        bus_rig.publisher().send(Message(bus_rig.topic.name, 7, b"k", b"v"))
    assert raised.value.code == "bus_unavailable"


async def test_works_after_being_renewed(bus_rig: Rig) -> None:
    publisher = bus_rig.publisher()
    await publish(publisher, numbered(bus_rig.topic, 0, range(3)))
    publisher.renew()
    publisher.renew()
    await publish(publisher, numbered(bus_rig.topic, 0, range(3, 6)))
    feed = bus_rig.feed("readers", dict)
    await feed.start()
    assert [record.value for record in await collect(feed, 6)] == [b"%d" % number for number in range(6)]


async def test_closed_it_refuses(bus_rig: Rig) -> None:
    publisher = bus_rig.publisher()
    await publish(publisher, numbered(bus_rig.topic, 0, range(1)))
    publisher.close()
    with pytest.raises(Retryable):
        publisher.send(numbered(bus_rig.topic, 0, range(1))[0])


async def test_a_wedged_memory_publisher_stays_so_until_renewed(fresh_topic: Topic) -> None:
    rig = MemoryRig(fresh_topic)
    publisher = MemoryPublisher(rig.bus)
    (message,) = numbered(fresh_topic, 0, range(1))
    rig.bus.sending = SendMode.HELD
    held = publisher.send(message)
    rig.bus.sending = SendMode.NORMAL
    still = publisher.send(message)
    assert not held.done()
    assert not still.done()
    publisher.renew()
    await publish(publisher, [message])
    assert len(rig.bus.records(fresh_topic.name)) == 1


@pytest.mark.parametrize("sending", [SendMode.REFUSED, SendMode.DOWN, SendMode.ACK_LOST])
async def test_seams_of_the_memory_bus(fresh_topic: Topic, sending: SendMode) -> None:
    rig = MemoryRig(fresh_topic)
    publisher = MemoryPublisher(rig.bus)
    rig.bus.sending = sending
    (message,) = numbered(fresh_topic, 0, range(1))
    if sending is SendMode.DOWN:
        with pytest.raises(Retryable):
            publisher.send(message)
    else:
        delivery = publisher.send(message)
        assert delivery.done() is (sending is SendMode.REFUSED)
        if sending is SendMode.REFUSED:
            assert isinstance(delivery.failure(), Refusal)
    assert len(rig.bus.records(fresh_topic.name)) == (1 if sending is SendMode.ACK_LOST else 0)


def test_compression_is_one_that_the_reader_can_undo() -> None:
    assert codec("auto") in {"lz4", None}
    assert codec("none") is None
    assert codec("gzip") == "gzip"


@pytest.mark.kafka
async def test_compressed_messages_are_read(kafka_rig: KafkaRig) -> None:
    kafka_rig.bus = replace(kafka_rig.bus, compression="gzip")
    await publish(kafka_rig.publisher(), numbered(kafka_rig.topic, 0, range(50)))
    feed = kafka_rig.feed("readers", dict)
    await feed.start()
    assert len(await collect(feed, 50)) == 50


@pytest.mark.kafka
async def test_the_largest_batch_fits(kafka_rig: KafkaRig) -> None:
    body = bytes(600 * 1024)
    await publish(kafka_rig.publisher(), [Message(kafka_rig.topic.name, 0, b"0", body)])
    feed = kafka_rig.feed("readers", dict)
    await feed.start()
    (record,) = await collect(feed, 1)
    assert record.value == body


@pytest.mark.kafka
async def test_a_message_that_no_broker_takes_is_a_fault(kafka_rig: KafkaRig) -> None:
    with pytest.raises(Fault) as raised:
        kafka_rig.publisher().send(Message(kafka_rig.topic.name, 0, b"0", bytes(3 * 1024 * 1024)))
    assert raised.value.code == "bus_refused"


@pytest.mark.kafka
async def test_many_threads_may_send(kafka_rig: KafkaRig) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only this test

    publisher = kafka_rig.publisher()
    with ThreadPoolExecutor(4) as threads:
        deliveries = list(threads.map(publisher.send, numbered(kafka_rig.topic, 1, range(200))))
    await until(lambda: all(delivery.done() for delivery in deliveries))
    assert {delivery.failure() for delivery in deliveries} == {None}


def test_without_a_broker_a_send_says_so_at_once(fresh_topic: Topic) -> None:
    publisher = KafkaPublisher(Bus("127.0.0.1:9"))
    started = time.monotonic()
    with pytest.raises(Retryable, match="no route"):
        publisher.send(numbered(fresh_topic, 0, range(1))[0])
    publisher.renew()
    publisher.close()
    assert time.monotonic() - started < 2


@pytest.mark.kafka
async def test_an_outage_longer_than_the_delivery_time_out_heals_by_renewal(
    native_kafka: NativeKafka,
    fresh_topic: Topic,
) -> None:
    """kafka-python's idempotent producer never comes back from this by itself (reliability 3)."""
    bus = Bus(native_kafka.bootstrap, partitions=3, delivery_timeout_s=3.0, request_timeout_s=2.0, max_block_s=1.0)
    provision(bus, [fresh_topic])
    publisher = KafkaPublisher(bus)
    await publish(publisher, numbered(fresh_topic, 0, range(2)))
    native_kafka.kill9()
    try:
        lost = [publisher.send(message) for message in numbered(fresh_topic, 0, range(2, 4))]
        await until(lambda: all(delivery.done() for delivery in lost), 15)
        assert all(isinstance(delivery.failure(), Refusal) for delivery in lost)
        started = time.monotonic()
        publisher.renew()
        assert time.monotonic() - started < 0.5, "renewal must not wait for the wedged producer"
        with pytest.raises(Retryable):
            publisher.send(numbered(fresh_topic, 0, range(2, 3))[0])
    finally:
        native_kafka.restart()
        native_kafka.wait_ready()
    await publish(publisher, numbered(fresh_topic, 0, range(2, 4)))
    publisher.close()
    log = Log(bus)
    assert [record.value for record in log.read(fresh_topic.name, 0, 0, 99)] == [b"0", b"1", b"2", b"3"]
    log.close()


@pytest.mark.kafka
async def test_renewal_while_the_broker_hangs_repeats_but_loses_nothing(
    native_kafka: NativeKafka,
    fresh_topic: Topic,
) -> None:
    bus = Bus(native_kafka.bootstrap, partitions=3, request_timeout_s=2.0, max_block_s=1.0)
    provision(bus, [fresh_topic])
    publisher = KafkaPublisher(bus)
    await publish(publisher, numbered(fresh_topic, 0, range(1)))
    native_kafka.signal(1, SIGSTOP)
    try:
        publisher.send(numbered(fresh_topic, 0, range(1, 2))[0])
        publisher.renew()
    finally:
        native_kafka.signal(1, SIGCONT)
    await publish(publisher, numbered(fresh_topic, 0, range(1, 3)))
    publisher.close()
    log = Log(bus)
    values = [record.value for record in log.read(fresh_topic.name, 0, 0, 99)]
    log.close()
    # the abandoned message may have arrived too: positions drop the repeat
    assert values in ([b"0", b"1", b"2"], [b"0", b"1", b"1", b"2"])


async def test_an_id_that_came_too_late_is_asked_for_by_another_producer(
    kafka_rig: KafkaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy broker; kafka-python's producer is spent then, and says so by a plain error."""
    answered, late = TxnRequestHandler.on_complete, [RequestTimedOutError("after 2999 ms")]

    def on_complete(self: TxnRequestHandler, correlation_id: int, answer: object) -> None:
        answered(self, correlation_id, late.pop() if late else answer)

    monkeypatch.setattr(TxnRequestHandler, "on_complete", on_complete)
    publisher = kafka_rig.publisher()
    (message,) = numbered(kafka_rig.topic, 0, range(1))
    lost = publisher.send(message)
    await until(lost.done, 15)
    failure = lost.failure()
    assert isinstance(failure, Refusal)
    assert "RequestTimedOut" in failure.detail
    publisher.renew()
    await publish(publisher, [message])


def test_a_right_that_is_missing_for_an_id_is_no_outage() -> None:
    told = KafkaError(f"Unexpected error in InitProducerIdResponse: {ClusterAuthorizationFailedError()}")
    assert isinstance(verdict(Bus("127.0.0.1:9"), told), Bug)


HOURS_AHEAD_MS = 2 * 3600 * 1000


@pytest.fixture
def clock_ahead(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set by how many milliseconds the senders of this machine are ahead."""
    ahead = [0]
    send = KafkaProducer.send

    def stamped(self: KafkaProducer, topic: str, **told: object) -> object:
        return send(self, topic, timestamp_ms=int(time.time() * 1000) + ahead[0], **told)

    monkeypatch.setattr(KafkaProducer, "send", stamped)
    return lambda by_ms: ahead.__setitem__(0, by_ms)


async def test_a_clock_ahead_is_none_of_the_broker_s_business(
    kafka_rig: KafkaRig, clock_ahead: Callable[[int], None]
) -> None:
    clock_ahead(HOURS_AHEAD_MS)
    publisher = kafka_rig.publisher()
    await publish(publisher, numbered(kafka_rig.topic, 0, range(3)))
    publisher.close()
    log = Log(kafka_rig.bus)
    page = await asyncio.to_thread(log.read, kafka_rig.topic.name, 0, 0, 3)
    log.close()
    assert all(abs(record.timestamp_ms / 1000 - time.time()) < 60 for record in page), "stamped by the broker"


async def test_a_producer_that_a_clock_ahead_has_spent_is_renewed(
    kafka_bus: Bus, fresh_topic: Topic, clock_ahead: Callable[[int], None]
) -> None:
    """Where the cluster may not be altered: kafka-python's producer answers every topic with that refusal for ever."""
    with admin(kafka_bus) as client:
        options = {"num_partitions": 3, "replication_factor": 1, "configs": {"message.timestamp.type": "CreateTime"}}
        client.create_topics({fresh_topic.name: options}, wait_for_metadata=True)
    publisher = KafkaPublisher(kafka_bus)
    clock_ahead(HOURS_AHEAD_MS)
    first, second = numbered(fresh_topic, 0, range(2))
    refused = publisher.send(first)
    await until(refused.done)
    failure = refused.failure()
    assert isinstance(failure, Refusal)
    assert failure.code == "clock_ahead"
    clock_ahead(0)
    spent = publisher.send(first)
    await until(spent.done)
    assert spent.failure() is not None, (
        "without a new producer it stays so; should this fail, the renewal is not needed"
    )
    publisher.renew()
    await publish(publisher, [first, second])
    publisher.close()
