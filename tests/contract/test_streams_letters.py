"""Dead letters: published until each is confirmed, and counted once when an operator brings them back."""

from __future__ import annotations

import json

import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL
from hub.store.tables import dead_letter
from hub.streams.dead_letters import DeadLetterRelay, redrive
from hub.streams.memory import MemoryPublisher, SendMode
from tests.support.journals import Bench, Recorder, until


async def test_a_dead_letter_is_published_and_a_redriven_one_counts_once(bench: Bench) -> None:
    await bench.publish("a:1", "a:bad")
    applier = Recorder(refuses={"a:bad"})
    reader = await bench.reader(applier)
    await bench.applied(reader)
    relay = DeadLetterRelay(bench.consumer, MemoryPublisher(bench.bus), version="1")
    await relay.start()

    async def published() -> bool:
        return len(bench.bus.records(JOURNAL.dead_letters)) == 1

    await until(published)
    await relay.stop()
    headers = dict(bench.bus.records(JOURNAL.dead_letters)[0].headers)
    assert headers["dlq_reason"] == b"refused"
    assert json.loads(headers["dlq_position"]) == 2
    applier.refuses.clear()
    letter = await bench.consumer.read(lambda tx: tx.scalar(sa.select(dead_letter.c.id)))
    assert letter is not None
    assert await bench.consumer.write(lambda tx: redrive(tx, letter)) == 1

    async def applied() -> bool:
        return (await bench.consumer.read(reader.books))["applied"] == 2

    await until(applied)
    books = await bench.consumer.read(reader.books)
    assert (books["dead"], books["parked"]) == (0, 0)
    assert await bench.effects() == ["a:1", "a:bad"]


async def test_a_producer_that_gave_up_a_dead_letter_is_not_used_again(bench: Bench) -> None:
    publisher = MemoryPublisher(bench.bus)
    await bench.publish("a:bad")
    await bench.applied(await bench.reader(Recorder(refuses={"a:bad"})))
    bench.bus.sending = SendMode.REFUSED
    relay = DeadLetterRelay(bench.consumer, publisher, version="test 1")
    await relay.start()

    async def renewed() -> bool:
        return publisher.renewals > 0

    async def published() -> bool:
        return len(bench.bus.records(JOURNAL.dead_letters)) == 1

    await until(renewed)
    bench.bus.sending = SendMode.NORMAL
    await until(published)
    await relay.stop()
