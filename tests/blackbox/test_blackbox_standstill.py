"""Points 1 and 12: a service that stood still, or whose clock is ahead, goes on, and every record has its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.blackbox.conftest import OwnHub
from tests.blackbox.hubs import BRIDGES, SERVICES, RunningHub

STOOD_S: Final = 3.0
ROUNDS: Final = 3
EVERY_S: Final = 0.1
ANSWER_S: Final = 40.0
AHEAD_S: Final = 61 * 60
LIBRARY: Final = "faketime/libfaketime.so.1"


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
    for _ in range(ROUNDS):
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


def ahead() -> Mapping[str, str]:
    """Return what sets a service's clock ahead."""
    found = next(Path("/usr/lib").glob(f"*/{LIBRARY}"), None)
    if found is None:
        pytest.skip("libfaketime is not installed (Debian: apt-get install faketime)")
    # a wait by the monotonic clock would not end otherwise
    return {"LD_PRELOAD": str(found), "FAKETIME": f"+{AHEAD_S}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.item("12")
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_whose_clock_is_an_hour_ahead_does_its_work(own_hub: OwnHub, service: str) -> None:
    async with own_hub(clock="wall", env={service: ahead()}) as hub:
        accepted = [(b, (await hub.submit(b, hub.record(b)))["dispute_id"]) for b in BRIDGES for _ in range(3)]
        for bridge, dispute_id in accepted:
            assert await hub.result_of(bridge, dispute_id, ANSWER_S)
        assert hub.ended() == []
        hub.stop(service)
        hub.start(service, env={})
        later = {b: (await hub.submit(b, hub.record(b)))["dispute_id"] for b in BRIDGES}
        for bridge, dispute_id in later.items():
            assert await hub.result_of(bridge, dispute_id, ANSWER_S), "it goes on with the right clock"
        assert hub.ended() == []
