"""Collects everything that a run left in the open.

That is both topics with their dead letters, the logs and the metrics, as bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from dispute.contracts.topics import CATALOGUE, CREDENTIALS
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.streams.ports import FeedRecord


def collect(bootstrap: str, logs: Path, metrics: Mapping[str, str]) -> dict[str, bytes]:
    """Return name of each dump -> its content.

    The names are topics, `logs/<file>` and `metrics/<process>`.
    """
    log = Log(Bus(bootstrap))
    try:
        dumps = {
            topic: b"\n".join(_flat(record) for record in records(log, topic))
            for topic in (CREDENTIALS.name, *(name for of in CATALOGUE for name in (of.name, of.dead_letters)))
        }
    finally:
        log.close()
    dumps |= {f"logs/{path.name}": path.read_bytes() for path in sorted(logs.glob("*.log"))}
    return dumps | {f"metrics/{label}": text.encode() for label, text in metrics.items()}


def records(log: Log, topic: str) -> Iterator[FeedRecord]:
    """Yield a topic's records, partition by partition.

    It ends at the current end of each partition.
    """
    for partition, start in sorted(log.beginnings(topic).items()):
        for page in log.pages(topic, partition, start):
            yield from page


def _flat(record: FeedRecord) -> bytes:
    headers = [name.encode() + b"=" + value for name, value in record.headers]
    return b"\n".join((record.key or b"", record.value or b"", *headers))
