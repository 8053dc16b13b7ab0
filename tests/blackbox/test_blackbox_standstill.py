"""Points 1 and 12: a service that stood still, or whose clock is ahead, goes on, and every record has its answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.blackbox.conftest import OwnHub
from tests.blackbox.hubs import BRIDGES, SERVICES, RunningHub, root_under_test

STOOD_S: Final = 3.0
ROUNDS: Final = 3
ROUNDS_OF_INTAKE: Final = 12
"""It has two that ask for the log's end, and what is wrong shows only where they meet in one turn."""
EVERY_S: Final = 0.1
ANSWER_S: Final = 40.0
CLOCK: Final = "import time, time_machine\ntime_machine.travel(time.time() + 61 * 60, tick=True).start()\n"


class Load:
    """Records of all bridges, one after the other; remembers what got a receipt."""

    def __init__(self, hub: RunningHub) -> None:
        self._hub = hub
        self._over = asyncio.Event()
        self.accepted: list[tuple[str, str]] = []

    async def run(self) -> None:
        while not self._over.is_set():
            for bridge in BRIDGES:
                receipt = await self._hub.submit(bridge, self._hub.record(bridge))
                self.accepted.append((bridge, receipt["dispute_id"]))
            await asyncio.sleep(EVERY_S)

    def stop(self) -> None:
        self._over.set()


async def stand_still(hub: RunningHub, service: str) -> None:
    with hub.paused(service):
        await asyncio.sleep(STOOD_S)


@pytest.mark.item("1")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_that_stood_still_loses_no_answer(hub: RunningHub, service: str) -> None:
    """As after a snapshot of its machine: everything in it is due at the same instant, again and again."""
    load = Load(hub)
    loading = asyncio.create_task(load.run())
    for _ in range(ROUNDS_OF_INTAKE if service == "intake" else ROUNDS):
        await stand_still(hub, service)
        await asyncio.sleep(1.0)
    load.stop()
    await loading
    assert hub.ended() == []
    assert len(load.accepted) > len(BRIDGES)
    for bridge, dispute_id in load.accepted:
        assert await hub.result_of(bridge, dispute_id, ANSWER_S)
    assert hub.ended() == []


@pytest.mark.item("1")
async def test_all_that_stand_still_in_turn_lose_no_answer(own_hub: OwnHub) -> None:
    async with own_hub(clock="wall") as hub:
        load = Load(hub)
        loading = asyncio.create_task(load.run())
        for _ in range(ROUNDS):
            for service in SERVICES:
                await stand_still(hub, service)
        load.stop()
        await loading
        assert hub.ended() == []
        for bridge, dispute_id in load.accepted:
            assert await hub.result_of(bridge, dispute_id, ANSWER_S)
        for service in SERVICES:
            assert hub.stop(service) == 0, f"{service} ends, with 0, when it is told to"


def ahead(folder: Path) -> Mapping[str, str]:
    """Return what sets a service's clock ahead from its first line on.

    In the interpreter and not below it: libfaketime 0.9.10 lets `time.sleep` fail with EINVAL.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(folder), str(root_under_test())])}


@pytest.mark.item("12")
async def test_a_service_whose_clock_is_an_hour_ahead_does_its_work(own_hub: OwnHub, tmp_path: Path) -> None:
    wrong = ahead(tmp_path / "clock")
    async with own_hub(clock="wall") as hub:
        for service in SERVICES:
            for clock in (wrong, {}):
                hub.stop(service)
                await asyncio.to_thread(hub.start, service, clock)
                try:
                    for bridge in BRIDGES:
                        receipt = await hub.submit(bridge, hub.record(bridge))
                        assert await hub.result_of(bridge, receipt["dispute_id"], ANSWER_S)
                except httpx2.TransportError as error:
                    pytest.fail(f"nobody answers; ended by themselves: {hub.ended()}; {error}")
                assert hub.ended() == []
