"""Faults of processes: killed, told to go, stopped and woken again in time or too late, added and removed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import Any, Final

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer
from kafka.errors import KafkaError

from dispute.contracts.topics import BRIDGES, HANDOFFS, JOURNAL
from hub.kafka.clients import admin
from ops.run.children import Child
from tests.faults import points as at
from tests.faults.scene import NotBitten, Scene

LOADED_S: Final = 60.0
FIRED_S: Final = 30.0
TAKEN_OVER_S: Final = 60.0
FLAP_S: Final = 3.0
FLAPS: Final = 2
PAUSED_S: Final = 3.0
PAUSES: Final = 3
TRIAL_PAUSES: Final = 5
BETWEEN_S: Final = (0.5, 6.0)
"""Seconds that a process runs between two of its own pauses; those of different processes overlap as they fall."""
STOPPED: Final = "T"
GROUPS: Final = {"intake": ("hub-intake", HANDOFFS.name), "stats": ("hub-stats", JOURNAL.name)}


async def kill_bridges(scene: Scene) -> None:
    """SIGKILL each bridge at a moment at which it holds work."""
    await asyncio.gather(*(_kill_loaded(scene, name) for name in BRIDGES))


async def kill_intake(scene: Scene) -> None:
    """SIGKILL one worker of intake."""
    await _kill_loaded(scene, scene.worker_of("intake"))


async def kill_stats(scene: Scene) -> None:
    """SIGKILL one worker of stats."""
    await _kill_loaded(scene, scene.worker_of("stats"))


async def _kill_loaded(scene: Scene, label: str) -> None:
    child = scene.rig.child(label)
    seen = (0, 0)

    async def loaded() -> bool:
        nonlocal seen
        seen = await scene.rig.held(label)
        return any(seen)

    await scene.until(f"{label} holds work", loaded, LOADED_S)
    if not child.kill():
        raise NotBitten(f"{label} was not there to be killed")
    took = await scene.rig.bring_back(child)
    scene.note(f"kill -9 {label} ({seen[0]} unsent, {seen[1]} unread), serves again after {took:.1f} s")


async def terminate_rolling(scene: Scene) -> None:
    """SIGTERM one process after the other; each has to end with 0."""
    for child in scene.rig.hub.children:
        child.terminate()
        await child.wait_ended()
        if child.exit_code != 0:
            scene.problems.append(f"{child.label} ended with {child.exit_code} after SIGTERM")
        took = await scene.rig.bring_back(child)
        scene.note(f"SIGTERM {child.label}, serves again after {took:.1f} s")


async def kill_at_rebalance(scene: Scene) -> None:
    """SIGKILL a reader within 200 ms after a rebalance began, which a stranger's joining starts."""
    service = scene.dice.choice(sorted(GROUPS))
    label = scene.worker_of(service)
    points = scene.rig.points[label]
    points.arm(at.REBALANCE)
    async with _stranger(scene, service):
        told = await points.wait_fired(at.REBALANCE, FIRED_S)
        if told is None:
            raise NotBitten(f"{label} saw no rebalance")
        took = await scene.rig.bring_back(scene.rig.child(label))
    scene.note(f"kill -9 {label} {told['after_s']} s into a rebalance, serves again after {took:.1f} s")


@asynccontextmanager
async def _stranger(scene: Scene, service: str) -> AsyncIterator[None]:
    """Be a member of a service's group that takes partitions and does nothing with them."""
    group, topic = GROUPS[service]
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=scene.rig.kafka.bootstrap,
        group_id=group,
        enable_auto_commit=False,
        session_timeout_ms=6000,
        rebalance_timeout_ms=6000,
    )
    joining = asyncio.create_task(consumer.start())
    try:
        yield
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(joining, FIRED_S)
        await consumer.stop()


async def zombie(scene: Scene) -> None:
    """SIGSTOP a reader with a plan in its hands until its group went on without it, then SIGCONT."""
    service = scene.dice.choice(sorted(GROUPS))
    label = scene.worker_of(service)
    points, child = scene.rig.points[label], scene.rig.child(label)
    points.arm(at.BEFORE_APPLY_COMMIT, signal="stop")
    told = await points.wait_fired(at.BEFORE_APPLY_COMMIT, FIRED_S)
    if told is None:
        raise NotBitten(f"{label} had nothing to apply")
    try:
        if len(scene.rig.hub.of(service)) > 1:
            went_on = await _taken_over(scene, service, told["moves"])
        else:
            went_on = await _thrown_out(scene, service)
    finally:
        child.signal(SIGCONT)
    scene.note(f"SIGSTOP {label} with {told['records']} records in its hands; {went_on}; SIGCONT")


async def _taken_over(scene: Scene, service: str, moves: dict[str, int]) -> str:
    """Wait until somebody else moved a place that the zombie is about to move."""
    query = sa.text("SELECT partition, next_offset FROM inbox_partition WHERE topic = :topic")
    engine = sa.create_engine(scene.rig.hub.store_url(service))
    topic = GROUPS[service][1]

    def places() -> dict[str, int]:
        with engine.connect() as connection:
            return {str(row.partition): row.next_offset for row in connection.execute(query, {"topic": topic})}

    async def moved() -> bool:
        now = await asyncio.to_thread(places)
        return any(now[partition] > before for partition, before in moves.items())

    try:
        await scene.until(f"another {service} takes over", moved, TAKEN_OVER_S)
    finally:
        engine.dispose()
    return "another worker moved its places"


async def _thrown_out(scene: Scene, service: str) -> str:
    group = GROUPS[service][0]

    def members() -> int:
        with admin(scene.rig.bus) as client:
            found: Any = client.describe_groups([group])[group]
            return len(found["members"])

    async def gone() -> bool:
        try:
            return await asyncio.to_thread(members) == 0
        except KafkaError:
            return False

    await scene.until(f"the group of {service} throws it out", gone, TAKEN_OVER_S)
    return "its group threw it out"


async def pause(scene: Scene) -> None:
    """SIGSTOP every process at moments of its own, again and again, as a snapshot or a busy host does."""
    await _hinder(scene, ["pause"] * PAUSES)


async def trial(scene: Scene) -> None:
    """SIGSTOP every process five times, and SIGKILL it once, all at moments of their own."""
    await _hinder(scene, ["pause"] * TRIAL_PAUSES + ["kill"])


async def _hinder(scene: Scene, deeds: Sequence[str]) -> None:
    plans = {}
    for child in scene.rig.hub.children:
        mine = list(deeds)
        scene.dice.shuffle(mine)
        plans[child.label] = [(scene.dice.uniform(*BETWEEN_S), deed) for deed in mine]
    await asyncio.gather(*(_hindered(scene, scene.rig.child(label), plan) for label, plan in plans.items()))
    scene.note(f"{len(plans)} processes, each paused {PAUSED_S:.0f} s {deeds.count('pause')} times")
    if "kill" in deeds:
        scene.note("each killed once with SIGKILL and started again")


async def _hindered(scene: Scene, child: Child, plan: Sequence[tuple[float, str]]) -> None:
    for after_s, deed in plan:
        await asyncio.sleep(after_s)
        scene.load.raise_for_dead()
        if deed == "pause":
            await _pause(child)
        elif child.kill():
            await scene.rig.bring_back(child)
        else:
            raise NotBitten(f"{child.label} was not there to be killed")


async def _pause(child: Child) -> None:
    if not child.signal(SIGSTOP):
        raise NotBitten(f"{child.label} was not there to be paused")
    try:
        await asyncio.sleep(PAUSED_S)
        if state_of(child.pid()) != STOPPED:
            raise NotBitten(f"{child.label} did not stand still")
    finally:
        child.signal(SIGCONT)


def state_of(pid: int | None) -> str:
    """Return the letter that the kernel gives a process's state; empty when there is none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return told.rpartition(")")[2].split()[0]


async def flap(scene: Scene) -> None:
    """Take the second workers of intake and stats away and bring them back, every 3 s."""
    seconds = [scene.rig.child(f"{name}-2") for name in GROUPS]
    for turn in range(FLAPS):
        for child in seconds:
            if turn % 2:
                child.kill()
            else:
                child.terminate()
        await asyncio.gather(*(child.wait_ended() for child in seconds))
        await asyncio.sleep(FLAP_S)
        await asyncio.gather(*(scene.rig.bring_back(child) for child in seconds))
        await asyncio.sleep(FLAP_S)
    scene.note(f"{', '.join(child.label for child in seconds)} removed and added {FLAPS} times")
