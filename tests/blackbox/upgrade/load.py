"""Records handed to all bridges without a break, while services are renewed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2

from tests.blackbox.hubs import BRIDGES, NOUN
from tests.blackbox.upgrade.filling import record
from tests.blackbox.upgrade.hub import UpgradedHub

BETWEEN_S: Final = 0.05
TAKEN: Final = (200, 201)
Disputes = dict[str, list[str]]


@asynccontextmanager
async def load(hub: UpgradedHub, *, busy: bool) -> AsyncIterator[Disputes]:
    """Hand records in for the time of the block; gives the disputes of those that were accepted, by bridge."""
    accepted: Disputes = {bridge: [] for bridge in BRIDGES if busy}
    over = asyncio.Event()

    async def agency(bridge: str) -> None:
        while not over.is_set():
            accepted[bridge].append(await until_accepted(hub, bridge, record(hub, bridge)))
            await asyncio.sleep(BETWEEN_S)

    async with asyncio.TaskGroup() as agencies:
        for bridge in accepted:
            agencies.create_task(agency(bridge))
        try:
            yield accepted
        finally:
            over.set()


async def until_accepted(hub: UpgradedHub, bridge: str, body: dict[str, Any]) -> str:
    """Repeat a record until there is a receipt, as agencies do; returns its dispute."""
    while True:
        try:
            answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=body)
        except httpx2.TransportError:
            pass  # it is being renewed
        else:
            if answer.status_code in TAKEN:
                return str(answer.json()["dispute_id"])
        await asyncio.sleep(BETWEEN_S)
