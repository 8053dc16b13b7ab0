"""Waiting for a reader's place: no move is missed, and the store is not asked once for everybody who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hub.errors import Retryable
from hub.store.store import Transaction
from hub.streams import place_waits as waiting
from hub.streams.envelope import StreamName
from hub.streams.topics import shard_of
from tests.support.journals import Bench, until


async def test_a_wait_misses_no_move_while_others_wait_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "OTHERS_S", 60.0)
    reader = await bench.reader()
    looks: list[object] = []
    go_on = asyncio.Event()
    read = bench.consumer.read

    async def held(unit: Callable[[Transaction], object]) -> object:
        found = await read(unit)
        if unit == reader._inbox.reached:
            looks.append(found)
            if len(looks) == 1:
                await go_on.wait()
        return found

    async def looked(times: int) -> bool:
        return len(looks) == times

    async def applied(text: str) -> bool:
        return text in await bench.effects()

    heads = await bench.producer.read(bench.outbox.heads)
    (name,) = (name for name in heads if name.shard == shard_of("a"))
    monkeypatch.setattr(bench.consumer, "read", held)
    first = asyncio.create_task(reader.wait_for({name: 1}, 30))
    await until(lambda: looked(1))
    await bench.publish("a:1")
    await until(lambda: applied("a:1"))
    second = asyncio.create_task(reader.wait_for({name: 2}, 30))
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait_for(first, 10)
    await bench.publish("a:2")
    await asyncio.wait_for(second, 10)
    assert len(looks) == 1, "all who wait share one look"


async def test_waiting_for_a_place_ends_with_the_deadline(bench: Bench) -> None:
    reader = await bench.reader()
    with pytest.raises(Retryable, match="position_not_reached"):
        await reader.wait_for({StreamName("other", 0, "e1"): 1}, 0.05)
