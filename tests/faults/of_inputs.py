"""Faults of what comes in: duplicated, reordered, late and poisoned records, at the bridges and on the topics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from dispute.contracts.topics import CATALOGUE, HANDOFFS, JOURNAL
from hub.kafka.bus import Bus
from hub.kafka.clients import producer
from hub.kafka.log import Log
from hub.streams.ports import FeedRecord
from tests.faults.scene import NotBitten, Scene, on_cluster

COPIES: Final = 12
"""Records of each partition that come again."""
SEEN_S: Final = 40.0
WRITTEN_S: Final = 60.0
DELIVERED_S: Final = 150.0
"""Longer than the delivery time-out: a message of which nobody knows whether it lies there would spoil the sums."""
LATE: Final = 30
POISON: Final[Sequence[tuple[str, bytes | None, Sequence[tuple[str, bytes]]]]] = (
    ("not_a_batch", b"no batch at all", ()),
    ("not_a_batch", b"\xff\xfe\x00", (("ce_stream", b"nobody"), ("ce_firstposition", b"one"))),
    ("not_a_batch", b"", (("ce_hashbefore", b"zz"),)),
    ("tombstone", None, ()),
)


async def duplicated(scene: Scene) -> None:
    """Everything is told three times at once; batches of both topics lie there twice."""
    await _copy(scene, backwards=False)

    async def repeated() -> bool:
        return scene.rig.book.repeats > 0

    await scene.until("bridges know repeats", repeated, SEEN_S)


async def reordered(scene: Scene) -> None:
    """Calls overtake each other, later steps are tried first; old batches come again in reverse."""
    await _copy(scene, backwards=True)

    async def overtaken() -> bool:
        return scene.load.tally.overtaken > 0

    await scene.until("a later step was refused", overtaken, SEEN_S)
    scene.note(f"{scene.load.tally.overtaken} steps came before their time and were refused")


async def late(scene: Scene) -> None:
    """Every other record is a quarter old or older."""
    before = len(scene.rig.book)

    async def enough() -> bool:
        return len(scene.rig.book) - before >= 2 * LATE

    await scene.until(f"{LATE} late records", enough, SEEN_S)
    scene.note(f"half of {len(scene.rig.book) - before} records came 90 days late or more")


async def poisoned(scene: Scene) -> None:
    """A stranger writes what is no batch between the batches of both topics."""
    letters = scene.rig.poisoned
    before = letters.copy()
    partitions = scene.rig.bus.partitions
    left = [(topic, scene.dice.randrange(partitions), one) for topic in (HANDOFFS, JOURNAL) for one in POISON]

    def write() -> bool:
        with _writing(scene.rig.bus) as opened:
            while left:
                topic, partition, (reason, value, headers) = left[0]
                told = opened.send(topic.name, key=b"poison", value=value, headers=list(headers), partition=partition)
                told.get(DELIVERED_S)
                # The journal has four readers, each of which buries it for itself.
                letters[reason] += 1 if topic is HANDOFFS else 4
                del left[0]
        return True

    await scene.until("poison is written", on_cluster(write), WRITTEN_S)
    scene.note(f"poison written: {dict(letters - before)} letters to be expected")


async def _copy(scene: Scene, *, backwards: bool) -> None:
    before = await _totals(scene, "repeats_dropped")
    sent = 0

    def copy() -> bool:
        nonlocal sent
        with closing(Log(scene.rig.bus)) as log, _writing(scene.rig.bus) as opened:
            for topic in CATALOGUE:
                for partition, end in log.ends(topic.name).items():
                    known = [r for r in log.read(topic.name, partition, max(0, end - COPIES), end) if _is_batch(r)]
                    for record in reversed(known) if backwards else known:
                        told = opened.send(
                            topic.name,
                            key=record.key,
                            value=record.value,
                            headers=list(record.headers),
                            partition=partition,
                        )
                        told.get(DELIVERED_S)
                        sent += 1
        return True

    await scene.until("old batches are written again", on_cluster(copy), WRITTEN_S)
    if not sent:
        raise NotBitten("the topics were empty")

    async def dropped() -> bool:
        return await _totals(scene, "repeats_dropped") > before

    await scene.until("readers drop the copies", dropped, SEEN_S)
    scene.note(f"{sent} batches written again{', backwards' if backwards else ''}")


@contextmanager
def _writing(bus: Bus) -> Iterator[Any]:
    opened = producer(bus)
    try:
        yield opened
    finally:
        opened.close(timeout=5)


def _is_batch(record: FeedRecord) -> bool:
    return record.value is not None and any(name == "ce_stream" and b"/" in value for name, value in record.headers)


async def _totals(scene: Scene, what: str) -> int:
    sheets: Any = await scene.rig.sheets()
    return sum(sheet.total(what) for sheet in sheets.values())
