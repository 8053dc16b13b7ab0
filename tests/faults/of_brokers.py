"""Faults of Kafka and of the way to it: brokers killed and gone, leaders moved, links slow and reset."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from dispute.contracts.topics import CATALOGUE
from tests.faults.rig import BROKERS
from tests.faults.scene import Inject, NotBitten, Scene, on_cluster
from tests.support import leaders

SLOW_S: Final = (0.15, 0.9)
SLOW_FOR_S: Final = 6.0
RESETS: Final = 5
RESET_EVERY_S: Final = 1.0
MOVED_S: Final = 15.0
BRIEF_S: Final = 4.0
BEYOND_S: Final = 35.0
"""Longer than the producers' delivery time-out, and long enough for health to tell."""


async def kill_one(scene: Scene) -> None:
    """SIGKILL one broker and start it again at once."""
    await _without(scene, 1, 0.0)


def one_gone(seconds: float) -> Inject:
    """Return: one broker is gone for a time; the work has to go on."""

    async def inject(scene: Scene) -> None:
        answers = scene.load.stall.answers
        await _without(scene, 1, seconds)
        if scene.load.stall.answers == answers:
            scene.problems.append(f"no answer at all while one broker was gone for {seconds:.0f} s")

    return inject


def two_gone(seconds: float) -> Inject:
    """Return: two brokers are gone for a time; bridges have to accept, relays wait, and all heals by itself."""

    async def inject(scene: Scene) -> None:
        topics = [topic.name for topic in CATALOGUE]
        # Else the third may lead everything since an earlier fault, and reading would go on.
        spread = on_cluster(lambda: leaders.spread_leaders(scene.rig.bus, topics, MOVED_S))
        await scene.until("leaders are spread over the brokers", spread, 2 * MOVED_S)
        answers = len(scene.rig.book)
        unsent = await _without(scene, BROKERS - 1, seconds)
        if not unsent:
            raise NotBitten("nothing waited for the brokers")
        accepted = len(scene.rig.book) - answers
        if accepted == 0:
            scene.problems.append(f"nothing was accepted while two brokers were gone for {seconds:.0f} s")
        scene.note(f"{accepted} records accepted meanwhile, {unsent} rows waited")

    return inject


async def _without(scene: Scene, brokers: int, seconds: float) -> int:
    """Take brokers away for a time; returns the rows that waited for Kafka just before they came back."""
    rig = scene.rig
    victims = scene.dice.sample(range(1, BROKERS + 1), brokers)
    for victim in victims:
        await rig.kill_broker(victim)
    gone = time.monotonic()
    await scene.lasts([child.label for child in rig.hub.children], seconds)
    sheets = [await rig.client.sheet_now(child.label) for child in rig.hub.children]
    unsent = sum(sheet.outbox_rows for sheet in sheets if sheet is not None)
    await asyncio.gather(*(rig.restart_broker(victim) for victim in victims))
    scene.note(f"kill -9 broker {', '.join(map(str, victims))}, back after {time.monotonic() - gone:.1f} s")
    return unsent


async def move_leaders(scene: Scene) -> None:
    """Make the replica after the present leader the preferred one of every partition, and elect it."""
    topics = [topic.name for topic in CATALOGUE]
    moved = of = 0

    def move() -> bool:
        nonlocal moved, of
        moved, of = leaders.move_leaders(scene.rig.bus, topics, MOVED_S)
        return moved > 0

    await scene.until("leaders are moved", on_cluster(move), 2 * MOVED_S)
    scene.note(f"leaders of {moved} of {of} partitions moved")


async def slow_link(scene: Scene) -> None:
    """Let every chunk to and from every broker take 150 to 900 ms for a while."""
    wires = scene.rig.wires
    await wires.delay(*SLOW_S)
    try:
        await asyncio.sleep(SLOW_FOR_S)
        delayed = await wires.delayed()
    finally:
        await wires.delay(0, 0)
    if not delayed:
        raise NotBitten("nothing crossed the slow links")
    scene.note(f"links slowed to {SLOW_S[0]}-{SLOW_S[1]} s for {SLOW_FOR_S:.0f} s: {delayed} chunks held back")


async def reset_links(scene: Scene) -> None:
    """Reset every connection to every broker, once a second."""
    total = 0
    for _ in range(RESETS):
        total += await scene.rig.wires.reset()
        await asyncio.sleep(RESET_EVERY_S)
    if not total:
        raise NotBitten("there was no connection to reset")
    scene.note(f"{total} connections reset in {RESETS} blows")
