"""Faults of a machine's clock: one service an hour and more ahead of the others, as Debian's faketime makes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx2

from dispute.contracts.topics import BRIDGES
from ops.run.children import Child
from tests.faults.scene import NotBitten, Scene

AHEAD: Final = timedelta(minutes=61)
"""Beyond what a broker takes from a producer."""
LIBRARIES: Final = Path("/usr/lib")
LIBRARY: Final = "faketime/libfaketime.so.1"
WORKED_S: Final = 40.0
RECORDS: Final = 20
SENDERS: Final = (*BRIDGES, "intake")
"""Services whose records a broker would refuse."""
ASK_S: Final = 5.0


async def ahead(scene: Scene) -> None:
    """Start one service again with its clock ahead, let work flow through it, and start it with the right clock."""
    child = scene.rig.child(scene.worker_of(scene.dice.choice(SENDERS)))
    right = dict(child.environment)
    child.environment.update(_faked())
    try:
        await _again(scene, child)
        by = await _ahead_by(child)
        if by < AHEAD / 2:
            raise NotBitten(f"the clock of {child.label} is {by} ahead")
        try:
            await _works(scene, child)
        except NotBitten as idle:
            # The fault took place: this is what came of it.
            scene.problems.append(f"with its clock {by} ahead: {idle}")
    finally:
        child.environment = right
    await _again(scene, child)
    await _works(scene, child)
    scene.note(f"clock of {child.label} {by} ahead for a life of it: it did its work, and went on with the right one")


def _faked() -> Mapping[str, str]:
    library = next(LIBRARIES.glob(f"*/{LIBRARY}"), None)
    if library is None:
        raise NotBitten("libfaketime is not installed (Debian: apt-get install faketime)")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"+{int(AHEAD.total_seconds())}s",
        # A wait by the monotonic clock would not end otherwise.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


async def _again(scene: Scene, child: Child) -> None:
    child.terminate()
    await scene.rig.bring_back(child)


async def _ahead_by(child: Child) -> timedelta:
    """Return how far the service's clock is ahead, as it tells itself in each answer."""
    async with httpx2.AsyncClient(base_url=child.http_url, timeout=ASK_S) as client:
        answer = await client.get("/healthz")
    return parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC).replace(microsecond=0)


async def _works(scene: Scene, child: Child) -> None:
    """Wait until records went in, and this process has sent and read more than it had."""
    known, before = len(scene.rig.book), await _places(scene, child)

    async def enough() -> bool:
        return len(scene.rig.book) - known >= RECORDS

    async def moved() -> bool:
        now = await _places(scene, child)
        return all(place > then for place, then in zip(now, before, strict=True))

    await scene.until(f"{RECORDS} records come in", enough, WORKED_S)
    await scene.until(f"{child.label} sends and reads on", moved, WORKED_S)


async def _places(scene: Scene, child: Child) -> tuple[int, int]:
    """Return how many records a process's store has sent, and read."""
    sheet = await scene.rig.client.sheet(child.label)
    return sum(sheet.sent.values()), sum(sheet.read.values())
