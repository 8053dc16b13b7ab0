"""Faults between Kafka and a reader: dropped records, a slow applier, foreign offsets, a rebuild."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import NoError
from kafka.structs import OffsetAndMetadata

from hub.kafka.bus import Bus
from hub.kafka.clients import admin
from hub.kafka.log import Log
from tests.faults import points as at
from tests.faults.of_processes import GROUPS
from tests.faults.scene import Inject, NotBitten, Scene, on_cluster

FIRED_S: Final = 30.0
FETCHED_S: Final = 40.0
SLOW_S: Final = 0.4
SLOW_FOR_S: Final = 4.0
EMPTY_S: Final = 40.0
NONE: Final = -1
"""Offset of a partition of which a group has none, as Kafka tells it."""


async def drop_one(scene: Scene) -> None:
    """Lose one record on the way into each of a stats and an intake: the next one shows the gap."""
    await asyncio.gather(*(_drop(scene, service) for service in GROUPS))


async def _drop(scene: Scene, service: str) -> None:
    label = scene.worker_of(service)
    points = scene.rig.points[label]
    before = await _gaps(scene, label)
    points.arm(at.DROP_ONE)
    told = await points.wait_fired(at.DROP_ONE, FIRED_S)
    if told is None:
        raise NotBitten(f"no record came to {label}")

    async def fetched() -> bool:
        return await _gaps(scene, label) > before

    # A rebalance may bring the record again before the gap is seen: then it was no gap.
    await scene.until(f"{label} fetches the record", fetched, FETCHED_S)
    scene.note(f"{label}: {told['topic']}/{told['partition']}@{told['offset']} dropped, fetched past the consumer")


async def drop_tail(scene: Scene) -> None:
    """Lose everything of one partition from now on, its last record too; lasts until all is level."""
    label = scene.worker_of("stats")
    points = scene.rig.points[label]
    points.arm(at.DROP_TAIL)

    async def dropped() -> bool:
        return points.hits(at.DROP_TAIL) > 0

    await scene.until(f"{label} loses records", dropped, FIRED_S)
    scene.note(f"{label}: one partition brings nothing any more, also not its last record")


async def _gaps(scene: Scene, label: str) -> int:
    sheet = await scene.rig.client.sheet_now(label)
    return 0 if sheet is None else sheet.total("gaps_fetched")


async def slow_applier(scene: Scene) -> None:
    """Let every transaction of one reader take long."""
    label = scene.worker_of(scene.dice.choice(sorted(GROUPS)))
    points = scene.rig.points[label]
    points.arm(at.SLOW_APPLIER, seconds=SLOW_S)
    await asyncio.sleep(SLOW_FOR_S)
    points.disarm(at.SLOW_APPLIER)
    hits = points.hits(at.SLOW_APPLIER)
    if not hits:
        raise NotBitten(f"{label} applied nothing")
    scene.note(f"{label}: {hits} transactions took {SLOW_S} s longer")


def offsets(how: str) -> Inject:
    """Return: a group's offsets are `deleted`, or set `behind` or `ahead`, while none of its members runs."""

    async def inject(scene: Scene) -> None:
        service = scene.dice.choice(sorted(GROUPS))
        workers = scene.rig.hub.of(service)
        for child in workers:
            child.terminate()
        await asyncio.gather(*(child.wait_ended() for child in workers))
        try:
            seen = await _alter(scene, service, how)
        finally:
            await asyncio.gather(*(scene.rig.bring_back(child) for child in workers))
        scene.note(f"offsets of {GROUPS[service][0]} {how}: {seen}")

    return inject


async def _alter(scene: Scene, service: str, how: str) -> str:
    group, topic = GROUPS[service]
    aim: dict[int, int] = {}

    def alter() -> bool:
        if not aim:
            with closing(Log(scene.rig.bus)) as log:
                ends = log.ends(topic)
            fixed = {"deleted": NONE, "behind": 0}
            aim.update({partition: fixed.get(how, end) for partition, end in sorted(ends.items())})
        return put_offsets(scene.rig.bus, group, topic, aim)

    await scene.until(f"offsets of {group} are {how}", on_cluster(alter), EMPTY_S)
    return str(aim)


def put_offsets(bus: Bus, group: str, topic: str, aim: Mapping[int, int]) -> bool:
    """Set a group's offsets, or delete those of all partitions; tells whether they stand as wanted.

    While a member that went is still remembered, the group is not empty and takes no offsets: try again.

    Args:
        bus: The cluster.
        group: Without members.
        topic: Of the partitions.
        aim: Partition -> offset, or `NONE` for every one of them.
    """
    places = {TopicPartition(topic, partition): OffsetAndMetadata(offset, "", -1) for partition, offset in aim.items()}
    with admin(bus) as client:
        answer: Mapping[Any, Any] = (
            client.delete_group_offsets(group, list(places))
            if NONE in aim.values()
            else client.alter_group_offsets(group, places)
        )
        if any(error is not NoError for error in answer.values()):
            return False
        stand = client.list_group_offsets({group: list(places)})[group]
    found = dict.fromkeys(aim, NONE) | {place.partition: one.offset for place, one in stand.items()}
    return found == aim


async def rebuild_stats(scene: Scene) -> None:
    """Drop everything that stats derived and let it fold from position 0, while the load goes on."""
    workers = scene.rig.hub.of("stats")
    for child in workers:
        child.terminate()
    await asyncio.gather(*(child.wait_ended() for child in workers))
    try:
        said = await scene.rig.one_off("stats", "rebuild")
    finally:
        await asyncio.gather(*(scene.rig.bring_back(child) for child in workers))
    if "position 0" not in said:
        raise NotBitten(said)
    scene.note("stats dropped everything and folds from position 0")
