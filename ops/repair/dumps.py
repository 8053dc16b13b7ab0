"""Everything that a run left where anybody may look: both topics with their dead letters, logs, metrics; as bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from dispute.contracts.topics import CATALOGUE
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.streams.ports import FeedRecord


def collect(bootstrap: str, logs: Path, metrics: Mapping[str, str]) -> dict[str, bytes]:
    """Return place -> content."""
    log = Log(Bus(bootstrap))
    try:
        dumps = {
            topic: b"\n".join(_flat(record) for record in records(log, topic))
            for of in CATALOGUE
            for topic in (of.name, of.dead_letters)
        }
    finally:
        log.close()
    dumps |= {f"logs/{path.name}": path.read_bytes() for path in sorted(logs.glob("*.log"))}
    return dumps | {f"metrics/{label}": text.encode() for label, text in metrics.items()}


def records(log: Log, topic: str) -> Iterator[FeedRecord]:
    """Yield a topic's records, partition by partition, as far as it reaches now."""
    for partition, start in sorted(log.beginnings(topic).items()):
        for page in log.pages(topic, partition, start):
            yield from page


def _flat(record: FeedRecord) -> bytes:
    headers = [name.encode() + b"=" + value for name, value in record.headers]
    return b"\n".join((record.key or b"", record.value or b"", *headers))
