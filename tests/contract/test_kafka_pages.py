"""What only the second consumer of a Faust feed can get wrong: idle reading, closing, an outage."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hub.errors import Retryable
from hub.kafka import pages
from hub.kafka.bus import Bus
from hub.kafka.pages import Pages
from hub.kafka.worker import FaustFeed
from hub.streams.topics import Topic
from ops.run.broker import NativeKafka
from tests.support.buses import KafkaRig, fill

pytestmark = pytest.mark.kafka


async def test_level_it_reads_nothing_ahead_and_goes_on_when_asked(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 30)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)
    for start, end in ((0, 10), (10, 30), (30, 40)):
        page = await source.read(0, start, end)
        assert len(page) == min(end, 30) - start
        assert source._consumer is not None
        assert not source._consumer.assignment()
    await source.close()


async def test_page_by_page_it_stays_where_it_is(kafka_rig: KafkaRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_MESSAGES", 10)
    await fill(kafka_rig, 30)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)
    first = await source.read(0, 0, 30)
    assert source._consumer is not None
    assignment = source._consumer._subscription.subscription.assignment
    second = await source.read(0, 10, 30)
    assert source._consumer._subscription.subscription.assignment is assignment, "what was read ahead is not lost"
    assert [record.offset for record in (*first, *second)] == list(range(20))
    await source.close()


async def test_a_feed_that_stops_closes_it_also_in_a_read(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 30)
    feed = kafka_rig.feed("closing", dict)
    assert isinstance(feed, FaustFeed)
    await feed.start()
    fetching = asyncio.ensure_future(feed.fetch(0, 0, 30))
    await asyncio.sleep(0)
    fetching.cancel()
    await feed.stop()
    assert feed._pages._consumer is None
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("pages-")]


async def test_a_close_waits_for_what_is_being_connected(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 10)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)
    assert len(await source.read(0, 0, 10)) == 10
    assert source._consumer is not None
    async with source._consumer._client._get_conn_lock:
        closing = asyncio.create_task(source.close())
        await asyncio.wait({closing}, timeout=0.3)
        assert not closing.done(), "a connection that is cancelled while it is made stays open"
    await asyncio.wait_for(closing, 10)


async def test_it_recovers_from_an_outage(native_kafka: NativeKafka, fresh_topic: Topic, tmp_path: Path) -> None:
    rig = KafkaRig(fresh_topic, Bus(native_kafka.bootstrap, partitions=3), tmp_path)
    await fill(rig, 30)
    await rig.close()
    source = Pages(replace(rig.bus, request_timeout_s=2.0), fresh_topic.name)
    assert len(await source.read(0, 0, 10)) == 10
    native_kafka.kill9()
    try:
        for _ in range(2):
            with pytest.raises(Retryable) as raised:
                await source.read(0, 10, 30)
            assert raised.value.code == "bus_unavailable"
            assert source._consumer is None, "the next read connects anew"
    finally:
        native_kafka.restart()
        native_kafka.wait_ready()
    assert [record.offset for record in await source.read(0, 10, 30)] == list(range(10, 30))
    await source.close()


async def test_of_two_that_ask_in_one_turn_both_are_answered(kafka_rig: KafkaRig) -> None:
    """A reader and an alarm clock: once one of them heard a CancelledError that was not its own."""
    await fill(kafka_rig, 30)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)
    await source.ends([0])
    answers = await asyncio.gather(*(source.ends([0]) for _ in range(3)), source.read(0, 0, 30), source.beginnings([0]))
    assert answers[:3] == [{0: 30}] * 3
    assert len(answers[3]) == 30
    assert answers[4] == {0: 0}
    await source.close()


async def test_a_loop_that_stood_still_costs_nobody_an_answer(kafka_rig: KafkaRig) -> None:
    """All who are due then ask at once, at the same instant as before."""
    await fill(kafka_rig, 30)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)

    async def ask(every_s: float, times: int) -> int:
        for _ in range(times):
            assert await source.ends([0]) == {0: 30}
            await asyncio.sleep(every_s)
        return times

    asking = [asyncio.create_task(ask(every_s, times)) for every_s, times in ((0.05, 40), (0.1, 20), (0.2, 10))]
    await asyncio.sleep(0.5)
    time.sleep(3.0)  # noqa: ASYNC251 - the stall itself
    assert await asyncio.gather(*asking) == [40, 20, 10]
    await source.close()


async def test_whoever_gives_up_takes_nobody_with_it(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 30)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)
    first, second, third = (asyncio.create_task(source.ends([0])) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    assert await third == {0: 30}
    assert first.cancelled()
    assert second.cancelled()
    await source.close()


async def test_a_close_answers_those_that_still_ask(kafka_rig: KafkaRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CLOSE_S", 0.1)
    await fill(kafka_rig, 30)
    source = Pages(kafka_rig.bus, kafka_rig.topic.name)
    await source.ends([0])
    assert source._consumer is not None

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(source._consumer, "end_offsets", never)
    asking = [asyncio.create_task(source.ends([0])) for _ in range(2)]
    await asyncio.sleep(0)
    await source.close()
    for asked in asking:
        with pytest.raises(Retryable, match="is closed"):
            await asked
    assert await source.ends([0]) == {0: 30}, "it connects anew at the next question"
    await source.close()
