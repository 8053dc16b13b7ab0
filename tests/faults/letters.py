"""Judges dead letters and parked records: each provoked, each published, none missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from tests.faults.evidence import HANDOFFS, JOURNAL, Evidence, Raw
from tests.faults.rows import Dead, StoreRows, Waiting

PARKED: Final = "parked"
"""Key of `expected_dead` for records that the driver made stand aside."""

Origin = tuple[str, int, int]
"""(topic, partition, offset)."""


def compare_letters(
    evidence: Evidence, foreign: Mapping[str, Sequence[Raw]], applied: Collection[tuple[str, int]]
) -> Iterator[str]:
    """Yield what is wrong.

    Args:
        evidence: Rows, dead-letter topics, and how many letters the driver provoked by reason.
        foreign: By topic, the records that are no readable batch: every reader has to bury each of them once.
        applied: Hand-offs (stream, position) that intake applied: letters of these were given back to it.
    """
    unreadable = {topic: {(r.topic, r.partition, r.offset) for r in records} for topic, records in foreign.items()}
    reasons: Counter[str] = Counter()
    for name, store in sorted(evidence.stores.items()):
        topic = HANDOFFS if name == "intake" else JOURNAL
        times = Counter((row.topic, row.partition, row.offset) for row in store.of(Dead))
        for origin in unreadable.get(topic, set()):
            if times[origin] != 1:
                yield f"dead letters: {name} has {times[origin]} of {_spelt(origin)}, which is no batch"
        reasons += Counter(
            row.reason for row in store.of(Dead) if (row.topic, row.partition, row.offset) not in unreadable[topic]
        )
        reasons[PARKED] += len(store.of(Waiting))
    for reason, number in sorted(reasons.items()):
        allowed = evidence.expected_dead.get(reason, 0)
        if number > allowed:
            yield f"dead letters: {number} for {reason}, the driver provoked {allowed}{_named(evidence, reason)}"
    yield from _published(evidence, applied)


def _published(evidence: Evidence, applied: Collection[tuple[str, int]]) -> Iterator[str]:
    """Each stored letter stands in the dead-letter topic, and each letter there is stored, or was given back."""
    for topic in (HANDOFFS, JOURNAL):
        stored = {
            (row.topic, row.partition, row.offset, row.position)
            for store in evidence.stores.values()
            for row in store.of(Dead)
            if row.topic == topic
        }
        published = {
            (topic, *(int(raw.headers[f"dlq_{name}"]) for name in ("partition", "offset", "position")))
            for raw in evidence.raw.get(f"{topic}.dlq", ())
            if (raw.headers["dlq_stream"].decode(), int(raw.headers["dlq_position"])) not in applied
        }
        if stored != published:
            yield (
                f"dead letters: {len(stored - published)} of {topic} are stored and not published, "
                f"{len(published - stored)} published and not stored"
            )


def _named(evidence: Evidence, reason: str) -> str:
    """Return the first places of that reason, for whoever looks for the cause."""
    stores: Sequence[StoreRows] = tuple(evidence.stores.values())
    places = [
        f"{store.service} {row.stream}@{row.position}"
        for store in stores
        for row in (store.of(Waiting) if reason == PARKED else store.of(Dead))
        if reason in {PARKED, row.reason}
    ]
    return f": {', '.join(places[:3])}"


def _spelt(origin: Origin) -> str:
    topic, partition, offset = origin
    return f"{topic}/{partition}@{offset}"
