"""The provisioner: a bus that is away is waited for, and a topic that is not as it has to be ends the process."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hub.errors import Fault, Kind, Refusal
from hub.kafka.provisioner import Provisioner

AWAY = Refusal("bus_unavailable", kind=Kind.UNAVAILABLE, after_s=0.01)


async def test_it_waits_for_the_bus_and_says_so() -> None:
    answers = iter([AWAY.error(), replace(AWAY, code="bus_refused").error(), None])
    told: list[str] = []

    def provision() -> None:
        told.append(part.trouble())
        answer = next(answers)
        if answer is not None:
            raise answer

    part = Provisioner(provision)
    await part.start()
    async with asyncio.timeout(10):
        while len(told) < 3 or part.trouble():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    await part.stop()
    assert told == ["", "bus_unavailable", "bus_refused"]


async def test_it_passes_on_what_stops_the_process() -> None:
    def mismatch() -> None:
        raise Fault("topic_mismatch", "6 partitions, 12 expected")

    part = Provisioner(mismatch)
    await part.start()
    with pytest.raises(Fault, match="topic_mismatch"):
        await part.failed()
    await part.stop()


async def test_it_gives_up_waiting_when_the_process_stops() -> None:
    def away() -> None:
        raise replace(AWAY, after_s=60).error()

    part = Provisioner(away)
    await part.start()
    async with asyncio.timeout(10):
        while not part.trouble():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await part.stop()
