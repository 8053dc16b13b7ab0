"""Reads the log of the in-memory bus.

It does for tests what `hub.kafka.log.Log` does for Kafka.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import override

from hub.streams.heads import TopicLog
from hub.streams.memory import MemoryBus
from hub.streams.ports import FeedRecord

PAGE = 500


class MemoryLog(TopicLog):
    """Reads a `MemoryBus` outside all groups."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    @override
    def beginnings(self, topic: str) -> Mapping[int, int]:
        return dict(enumerate(self._bus.beginnings(topic)))

    @override
    def since(self, topic: str, at_s: float) -> Mapping[int, int]:
        found = dict(enumerate(self._bus.ends(topic)))
        for partition in found:
            for record in self._bus.records(topic, partition):
                if record.timestamp_ms >= at_s * 1000:
                    found[partition] = record.offset
                    break
        return found

    @override
    def pages(self, topic: str, partition: int, start: int, end: int | None = None) -> Iterator[Sequence[FeedRecord]]:
        upto = self._bus.ends(topic)[partition] if end is None else end
        while start < upto:
            page = self._bus.read(topic, partition, start, min(start + PAGE, upto))
            start = page[-1].offset + 1
            yield page

    @override
    def close(self) -> None:
        """Do nothing: it has no connections."""
