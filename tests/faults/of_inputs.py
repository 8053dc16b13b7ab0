"""Faults of what comes in: duplicated, reordered, late and poisoned records, at the doors and on the topics."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from hub.contracts.topics import CATALOGUE, HANDOFFS, JOURNAL
from hub.journal.ports import FeedRecord
from hub.streaming.clients import producer
from hub.streaming.log import Log
from tests.faults.scene import NotBitten, Scene

COPIES: Final = 12
"""Records of each partition that come again."""
SEEN_S: Final = 40.0
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

    await scene.until("doors know repeats", repeated, SEEN_S)


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
    letters: Counter[str] = Counter()

    def write() -> None:
        opened = producer(scene.rig.bus)
        try:
            for topic in (HANDOFFS, JOURNAL):
                for reason, value, headers in POISON:
                    partition = scene.dice.randrange(scene.rig.bus.partitions)
                    opened.send(topic.name, key=b"poison", value=value, headers=list(headers), partition=partition).get(
                        SEEN_S
                    )
                    # The journal has four readers, each of which buries it for itself.
                    letters[reason] += 1 if topic is HANDOFFS else 4
        finally:
            opened.close(timeout=5)

    await asyncio.to_thread(write)
    for reason, count in letters.items():
        scene.rig.poisoned[reason] = scene.rig.poisoned.get(reason, 0) + count
    scene.note(f"poison written: {dict(letters)} letters to be expected")


async def _copy(scene: Scene, *, backwards: bool) -> None:
    before = await _totals(scene, "repeats_dropped")

    def copy() -> int:
        log, opened = Log(scene.rig.bus), producer(scene.rig.bus)
        sent = 0
        try:
            for topic in CATALOGUE:
                for partition, end in log.ends(topic.name).items():
                    known = [r for r in log.read(topic.name, partition, max(0, end - COPIES), end) if _is_batch(r)]
                    for record in reversed(known) if backwards else known:
                        opened.send(
                            topic.name,
                            key=record.key,
                            value=record.value,
                            headers=list(record.headers),
                            partition=partition,
                        ).get(SEEN_S)
                        sent += 1
        finally:
            opened.close(timeout=5)
            log.close()
        return sent

    sent = await asyncio.to_thread(copy)
    if not sent:
        raise NotBitten("the topics were empty")

    async def dropped() -> bool:
        return await _totals(scene, "repeats_dropped") > before

    await scene.until("readers drop the copies", dropped, SEEN_S)
    scene.note(f"{sent} batches written again{', backwards' if backwards else ''}")


def _is_batch(record: FeedRecord) -> bool:
    return record.value is not None and any(name == "ce_stream" and b"/" in value for name, value in record.headers)


async def _totals(scene: Scene, what: str) -> int:
    sheets: Any = await scene.rig.sheets()
    return sum(sheet.total(what) for sheet in sheets.values())
