"""Counts with plain Faust.

It uses a table in memory with its changelog, as in Faust's tutorial.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

import faust

from bench.peers.counting import Meter, Orders, keys_of, orders, tell


async def main(given: Orders) -> None:
    """Count `told.events` events.

    Faust's changelog can't be switched off here.
    """
    app = faust.App(
        given.name,
        broker=f"kafka://{given.bootstrap}",
        store="memory://",
        datadir=given.folder / "faust",
        topic_partitions=6,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
    )
    table = app.Table("counts", default=int, key_type=str, value_type=int)
    meter = Meter()
    done = asyncio.Event()
    seen = 0

    async def count(values: AsyncIterable[bytes]) -> None:
        nonlocal seen
        async for value in values:
            meter.first()
            for key in keys_of(value, given.form):
                table[key] += 1
                seen += 1
            if seen >= given.events:
                done.set()

    app.agent(app.topic(given.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"))(
        count
    )
    await app.start()
    # also ends when the app has crashed, with its error
    await app.wait(done.wait())
    await app.producer.flush()
    measured = meter.end()
    tell(measured, events=seen, counted=sum(table.values()))
    await app.stop()


if __name__ == "__main__":
    asyncio.run(main(orders()))
