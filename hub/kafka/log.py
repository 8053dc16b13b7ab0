"""A plain consumer outside all groups.

It serves replay, tools and the oracles of the tests. A feed's fetches are in `pages`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kafka import TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from hub.errors import Fault
from hub.kafka.admin import check_rights, topic_id
from hub.kafka.bus import Bus
from hub.kafka.clients import consumer, named
from hub.refusals import BUS_UNAVAILABLE
from hub.streams.ports import FeedRecord

PAGE: Final = 500


class Log:
    """Reads the log, independent of any group.

    Thread-safe (one reader at a time). Every method raises Retryable `bus_unavailable` when the bus can't be reached,
    and Fault `bus_auth_failed` or `bus_not_allowed`.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._consumer: Any = None
        self._checked: set[str] = set()

    def read(self, topic: str, partition: int, start: int, end: int) -> list[FeedRecord]:
        """Return the records at offsets [start, end).

        Fewer when the log ends before.

        Raises:
            Fault: `log_truncated` when the log no longer has `start`.
        """
        return [record for page in self.pages(topic, partition, start, end) for record in page]

    def pages(self, topic: str, partition: int, start: int, end: int | None = None) -> Iterator[Sequence[FeedRecord]]:
        """Yield offsets [start, end) in pages.

        So a long log needs little memory. With `end` None the reading stops at the log's present end.

        Raises:
            Fault: `log_truncated` when the log no longer has `start`.
        """
        upto = self.ends(topic, [partition])[partition]
        if end is not None:
            upto = min(upto, end)
        while start < upto:
            page = self._page(topic, partition, start, upto)
            start = page[-1].offset + 1
            yield page

    def _page(self, topic: str, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        place = TopicPartition(topic, partition)
        deadline = time.monotonic() + self._bus.request_timeout_s
        with self._lock:
            try:
                source = self._current(topic)
                source.assign([place])
                source.seek(place, start)
                while time.monotonic() < deadline:
                    answer = source.poll(timeout_ms=200, max_records=min(PAGE, end - start))
                    records = [self._record(record) for record in answer.get(place, ())]
                    if records:
                        return records
            except OffsetOutOfRangeError as error:
                self._close()
                raise Fault("log_truncated", f"{topic}/{partition} no longer has offset {start}") from error
            except KafkaError as error:
                self._close()
                raise named(self._bus, error).error() from error
            self._close()
        raise BUS_UNAVAILABLE.error(why=f"{topic}/{partition} gave nothing from {start} in time")

    @staticmethod
    def _record(record: Any) -> FeedRecord:  # noqa: ANN401 - kafka-python has no types
        return FeedRecord(
            record.topic,
            record.partition,
            record.offset,
            record.key,
            record.value,
            tuple(record.headers),
            record.timestamp,
        )

    def check(self, topic: str) -> None:
        """Check once that the topic may be read.

        It must exist too. A consumer without the right would receive nothing and report nothing.
        """
        if topic not in self._checked:
            check_rights(self._bus, reads=[topic])
            self._checked.add(topic)

    def _current(self, topic: str) -> Any:  # noqa: ANN401 - kafka-python has no types
        self.check(topic)
        if self._consumer is None:
            self._consumer = consumer(self._bus)
        return self._consumer

    def _offsets(self, topic: str, partitions: Sequence[int] | None, which: str) -> Mapping[int, int]:
        with self._lock:
            try:
                source = self._current(topic)
                chosen = source.partitions_for_topic(topic) if partitions is None else partitions
                if partitions is None and not chosen:
                    # The check above asked another broker: this one does not know the new topic yet.
                    self._close()
                    raise BUS_UNAVAILABLE.error(why=f"topic {topic} is not known to every broker yet")
                places = [TopicPartition(topic, partition) for partition in chosen or ()]
                if not places:
                    return {}
                answer = getattr(source, which)(places, timeout_ms=self._bus.request_timeout_s * 1000)
            except KafkaError as error:
                self._close()
                raise named(self._bus, error).error() from error
        return {place.partition: offset for place, offset in answer.items()}

    def ends(self, topic: str, partitions: Sequence[int] | None = None) -> Mapping[int, int]:
        """Return partition -> offset after the last record."""
        return self._offsets(topic, partitions, "end_offsets")

    def beginnings(self, topic: str, partitions: Sequence[int] | None = None) -> Mapping[int, int]:
        """Return partition -> first offset still in the log."""
        return self._offsets(topic, partitions, "beginning_offsets")

    def since(self, topic: str, at_s: float) -> Mapping[int, int]:
        """Return partition -> first offset since a time.

        That is the first one written at or after `at_s` (seconds since 1970); the log's end when there is none.
        """
        ends = self.ends(topic)
        with self._lock:
            try:
                source = self._current(topic)
                asked = {TopicPartition(topic, partition): max(0, int(at_s * 1000)) for partition in ends}
                answer = source.offsets_for_times(asked, timeout_ms=self._bus.request_timeout_s * 1000)
            except KafkaError as error:
                self._close()
                raise named(self._bus, error).error() from error
        found = {place.partition: stamp.offset for place, stamp in answer.items() if stamp is not None}
        return {partition: found.get(partition, end) for partition, end in ends.items()}

    def topic_id(self, topic: str) -> str:
        """Return the topic's id.

        It changes when the topic is deleted and created again.
        """
        return topic_id(self._bus, topic)

    def _close(self) -> None:
        old, self._consumer = self._consumer, None
        if old is not None:
            old.close(autocommit=False, timeout_ms=0)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._close()
