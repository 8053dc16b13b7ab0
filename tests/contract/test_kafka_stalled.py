"""A Faust consumer that asks for nothing any more: it is told, and another start mends it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from faust.types import TP

from hub.kafka.transport import OwnPlaceConsumer
from hub.kafka.worker import FaustFeed
from hub.refusals import STORE_UNAVAILABLE
from hub.streams.ports import Stalled
from tests.support.buses import KafkaRig, collect, fill

pytestmark = pytest.mark.kafka


async def test_a_consumer_that_does_not_poll_is_not_alive(kafka_rig: KafkaRig) -> None:
    await fill(kafka_rig, 1)
    feed = kafka_rig.feed("stuck", dict)
    assert isinstance(feed, FaustFeed)
    await feed.start()
    await collect(feed, 3)
    feed._app._fetcher._stopped.set()
    feed._polled_at -= 60
    assert not feed.alive()


async def test_a_consumer_that_hangs_at_its_assignment_says_so_and_works_after_another_start(
    kafka_rig: KafkaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust's recovery ends for ever when this takes longer than its time-out; everything stays paused then."""
    seek, hung = OwnPlaceConsumer.seek_to_committed, asyncio.Event()

    async def hanging_once(self: OwnPlaceConsumer) -> Mapping[TP, int]:
        if not hung.is_set():
            hung.set()
            await asyncio.Event().wait()
        return await seek(self)

    monkeypatch.setattr(OwnPlaceConsumer, "seek_to_committed", hanging_once)
    await fill(kafka_rig, 1)
    feed = kafka_rig.feed("hung", dict)
    assert isinstance(feed, FaustFeed)
    await feed.start()
    await hung.wait()
    assert not await feed.next(0.5, 10), "it may still come"
    feed._polled_at -= 60
    with pytest.raises(Stalled):
        await feed.next(1.0, 10)
    await feed.stop()
    await feed.start()
    assert len(await collect(feed, 3)) == 3
    await feed.stop()


async def test_a_store_that_can_t_tell_our_places_ends_no_process(kafka_rig: KafkaRig) -> None:
    """The consumer dies of it inside Faust: the reader hears that the feed has to be started again, and no fault."""
    asked = 0

    def places() -> Mapping[int, int]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise STORE_UNAVAILABLE.error()
        return {}

    await fill(kafka_rig, 1)
    feed = kafka_rig.feed("untold", places)

    async def read() -> None:
        # The consumer may be dead before the start is over.
        await feed.start()
        await collect(feed, 3)

    with pytest.raises(Stalled, match="store_unavailable"):
        await read()
    await feed.stop()
    await feed.start()
    assert len(await collect(feed, 3)) == 3
    await feed.stop()
