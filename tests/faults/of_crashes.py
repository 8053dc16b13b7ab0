"""Crashes at the three moments at which a promise hangs in the air: between commit, relay, mark and answer."""

from __future__ import annotations

import asyncio
from typing import Final

from dispute.contracts.topics import BRIDGES
from tests.faults import points as at
from tests.faults.scene import Inject, NotBitten, Scene

FIRED_S: Final = 120.0
"""In a mixed run the brokers may be gone when it is armed, and come back slowly on a crowded machine."""


def crash_at(point: str) -> Inject:
    """Return: a bridge and an intake die at that point."""

    async def inject(scene: Scene) -> None:
        victims = (scene.dice.choice(BRIDGES), scene.worker_of("intake"))
        await asyncio.gather(*(_crash(scene, label, point) for label in victims))

    return inject


async def _crash(scene: Scene, label: str, point: str) -> None:
    points = scene.rig.points[label]
    points.arm(point)
    told = await points.wait_fired(point, FIRED_S)
    if told is None:
        raise NotBitten(f"{label} never came to {point}")
    took = await scene.rig.bring_back(scene.rig.child(label))
    detail = ", ".join(f"{name} {value}" for name, value in told.items() if name not in {"pid", "at"})
    scene.note(f"{label} died {point} ({detail}), serves again after {took:.1f} s")


BEFORE_RELAY: Final = crash_at(at.AFTER_COMMIT_BEFORE_RELAY)
BEFORE_MARK: Final = crash_at(at.AFTER_SEND_BEFORE_MARK)
BEFORE_ANSWER: Final = crash_at(at.AFTER_EFFECT_BEFORE_ANSWER)
