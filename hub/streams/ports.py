"""The ports through which streams use a bus.

`hub.kafka` has the implementations for Kafka, and `hub.streams.memory` and `memory_feed` the in-memory ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from hub.errors import Bug, Refusal, Retryable
from hub.streams.envelope import Headers, Message

PAGE_MESSAGES: Final = 2000
"""The most messages that one `fetch` of a feed returns."""
PAGE_BYTES: Final = 4 * 1024 * 1024
"""A page ends with the message with which it reaches this size."""

Places = Callable[[], Mapping[int, int]]
"""Called at every assignment: partition -> next offset to read, from the reader's own store.

A missing partition starts at the log's beginning."""


class FeedRecord(NamedTuple):
    """One Kafka record as the bus delivered it.

    `value` is None for a tombstone. It is a tuple, because there is one for each message.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


class Stalled(Retryable):
    """The consumer has stopped asking for records.

    It will not recover by itself: its feed has to be stopped and started again.
    """


class Delivery(Protocol):
    """The pending outcome of one published message."""

    def done(self) -> bool:
        """Return whether the broker confirmed or refused it."""

    def failure(self) -> Refusal | Bug | None:
        """Return why a message was refused.

        None when it was confirmed. Call it only after `done()`.
        """


class Publisher(Protocol):
    """Sends messages to the bus; thread-safe.

    The caller is responsible for the order within a stream: it sends one message at a time per shard.
    """

    def send(self, message: Message) -> Delivery:
        """Start sending a message.

        It waits for the broker only as long as the buffer is full.

        Raises:
            Retryable: `bus_unavailable` when nothing can be sent now (no metadata, buffer full).
        """

    def renew(self) -> None:
        """Replace the producer by a new one.

        The old one is abandoned with everything unconfirmed (its id may be unusable).
        """

    def close(self) -> None:
        """Stop within a bounded time.

        Unconfirmed messages stay unconfirmed.
        """


class Feed(Protocol):
    """Delivers one topic's records to its reader.

    They are those of the partitions that this process owns now. They may have holes, repeats and foreign records; the
    reader judges by its own place.
    """

    @property
    def topic(self) -> str:
        """Topic that is read."""

    async def start(self) -> None:
        """Join the group.

        Returns when the membership is up, before partitions are assigned.
        """

    async def stop(self) -> None:
        """Leave the group within a bounded time."""

    async def next(self, wait_s: float, limit: int) -> Sequence[FeedRecord]:
        """Return the records that wait, at most `limit`.

        They are in offset order per partition; empty after `wait_s` seconds without a record. While nobody calls, the
        feed holds a bounded number of records and pauses the consumer.

        Raises:
            Stalled: Nothing will come any more before the feed is stopped and started again.
        """

    def assigned(self) -> frozenset[int]:
        """Partitions that this process owns now."""

    def began(self) -> Mapping[int, int]:
        """Return partition -> offset from which `next` delivers.

        It counts since the last assignment. It is past the reader's place where that place is far behind the log's end:
        only a `fetch` returns what is between them. A partition is missing until its consumer was sent to an offset.
        """

    async def fetch(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        """Read one page directly from the log.

        The consumer group is not involved. The page has offsets from `start` on, below `end`. It is bounded by
        `PAGE_MESSAGES` and `PAGE_BYTES`, and is empty only when the log ends at or before `start`. Consecutive pages
        cost least. The call may be cancelled.

        Raises:
            Fault: `log_truncated` when the log no longer has `start`.
            Retryable: `bus_unavailable`.
        """

    async def ends(self) -> Mapping[int, int]:
        """Return partition -> offset after the last record.

        It covers only the assigned partitions.

        Raises:
            Retryable: `bus_unavailable`.
        """

    async def beginnings(self) -> Mapping[int, int]:
        """Return partition -> first offset still in the log.

        It covers only the assigned partitions.
        """

    async def topic_id(self) -> str:
        """Return the topic's id.

        It changes when the topic is deleted and created again.
        """

    def alive(self) -> bool:
        """Return whether the consumer polls.

        Health means progress, not a running process.
        """
