"""Floods of dead letters: one agency's records all die, as by a partner's new code or a bug at one rule."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import sqlalchemy as sa

from dispute.contracts.topics import HANDOFFS
from hub.store.store import Store
from hub.store.tables import dead_letter
from hub.streams.dead_letters import redrive
from ops.play.scenarios.vocabulary import Docking
from tests.faults import points as at
from tests.faults.rig import ROOT, Rig
from tests.faults.scene import NotBitten, Scene
from tests.faults.script import AGENCIES

CHANNEL: Final = Docking.PETITION
SOURCE: Final = f"{CHANNEL}_bridge/{AGENCIES[CHANNEL]}"
REASON: Final = "unknown_category"
FLOODED_S: Final = 60.0
GO_ON_S: Final = 30.0
COMMAND_S: Final = 60.0
BACK_S: Final = 60.0
HELD: Final = 10
"""Records that wait before the cause is cured."""
OTHERS: Final = 20
"""Records of others that are registered meanwhile."""


async def of_one_source(scene: Scene) -> None:
    """Let intake refuse every record of one agency, cure it, and bring all of them in after all."""
    intake = [scene.rig.points[child.label] for child in scene.rig.hub.of("intake")]
    for points in intake:
        points.arm(at.RULE_BUG, agency=AGENCIES[CHANNEL], reason=REASON)
    try:
        await scene.until(f"{SOURCE} is held", _counting(scene.rig, _HOLDS, 1), FLOODED_S)
        waiting = await _count(scene.rig, _WAITING)
        known = await _count(scene.rig, _REGISTERED)
        await scene.until("others are registered", _counting(scene.rig, _REGISTERED, known + OTHERS), GO_ON_S)
        await scene.until("its records wait", _counting(scene.rig, _WAITING, waiting + HELD), GO_ON_S)
    finally:
        for points in intake:
            points.disarm(at.RULE_BUG)
    told = await _operate(scene.rig, "dlq", "release", SOURCE)
    letters = await asyncio.to_thread(_redrive_all, scene.rig.hub.store_url("intake"))
    if not letters:
        raise NotBitten("no record died")

    async def back() -> bool:
        return await _count(scene.rig, _WAITING) == 0

    await scene.until("all that waited is in", back, BACK_S)
    scene.note(f"{letters} records of {SOURCE} died, then it was held; others went on. {told.strip()}")


_HOLDS: Final = "SELECT count(*) FROM source_hold"
_WAITING: Final = "SELECT count(*) FROM parked"
_REGISTERED: Final = "SELECT count(*) FROM dispute"


async def _count(rig: Rig, query: str) -> int:
    def count() -> int:
        engine = sa.create_engine(rig.hub.store_url("intake"))
        try:
            with engine.connect() as connection:
                return int(connection.scalar(sa.text(query)) or 0)
        finally:
            engine.dispose()

    return await asyncio.to_thread(count)


def _counting(rig: Rig, query: str, least: int) -> Callable[[], Awaitable[bool]]:
    async def reached() -> bool:
        return await _count(rig, query) >= least

    return reached


async def _operate(rig: Rig, *words: str) -> str:
    """Run a command as an operator does; returns what it printed."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "ops", *words, "--run", str(rig.folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"hub {' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _redrive_all(url: str) -> int:
    """Give every letter of this flood back, as `hub dlq redrive` does one by one; returns how many."""
    store = Store(url)
    c = dead_letter.c
    mine = sa.select(c.id).where(c.topic == HANDOFFS.name, c.reason == REASON).order_by(c.id)
    try:
        letters = store.read_blocking(lambda tx: list(tx.scalars(mine)))
        return sum(store.write_blocking(partial(redrive, letter_id=letter)) for letter in letters)
    finally:
        store.close()
