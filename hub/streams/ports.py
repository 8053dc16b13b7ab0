"""Ports of the journal: what it needs of a bus. `hub.kafka` has the real ones and the in-memory ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from hub.errors import Retryable
from hub.streams.envelope import Headers, Message

PAGE_MESSAGES: Final = 2000
"""Messages that one `fetch` of a feed brings at most."""
PAGE_BYTES: Final = 4 * 1024 * 1024
"""A page ends with the message whose value makes it as large as this."""

Places = Callable[[], Mapping[int, int]]
"""Called at every assignment: partition -> next offset to read, from the reader's own store.

A missing partition starts at the log's beginning."""


class FeedRecord(NamedTuple):
    """One Kafka record as the bus delivered it; `value` is None for a tombstone. A tuple: there is one a message."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp_ms: int


class Stalled(Retryable):
    """The consumer asks for nothing any more and will not by itself: its feed has to be stopped and started again."""


class Delivery(Protocol):
    """Handle of one message that was given to the publisher."""

    def done(self) -> bool:
        """Tell whether the broker confirmed or refused it."""

    def error(self) -> Exception | None:
        """Return why it was refused; None when confirmed. Only after `done()`."""


class Publisher(Protocol):
    """Hands messages to the bus; thread-safe.

    Order within a stream is the caller's: it sends one message at a time per shard.
    """

    def send(self, message: Message) -> Delivery:
        """Start sending; never waits for the broker longer than the buffer is full.

        Raises:
            Retryable: `bus_unavailable` when nothing can be sent now (no metadata, buffer full).
        """

    def renew(self) -> None:
        """Abandon the producer with everything unconfirmed and build a new one (its id may have wedged)."""

    def close(self) -> None:
        """Stop within a bounded time; unconfirmed messages stay unconfirmed."""


class Feed(Protocol):
    """Delivers one topic's records of the partitions that this process owns now.

    What it gives may have holes, repeats and strangers; the reader judges by its own place.
    """

    @property
    def topic(self) -> str:
        """Topic that is read."""

    async def start(self) -> None:
        """Join the group; returns when the membership is up, not when partitions came."""

    async def stop(self) -> None:
        """Leave the group within a bounded time."""

    async def next(self, wait_s: float, limit: int) -> Sequence[FeedRecord]:
        """Return what waits, at most `limit`, in offset order per partition; empty after `wait_s` seconds of nothing.

        While nobody calls, the feed holds a bounded number of records and pauses the consumer.

        Raises:
            Stalled: Nothing will come any more before the feed is stopped and started again.
        """

    def assigned(self) -> frozenset[int]:
        """Partitions that this process owns now."""

    def began(self) -> Mapping[int, int]:
        """Return partition -> offset from which on `next` brings it, since the last assignment.

        It lies past the reader's place where the place is far behind the log's end: what is between them only a `fetch`
        brings. A partition is missing until its consumer was sent somewhere.
        """

    async def fetch(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        """Read a page straight from the log, past the consumer group: offsets from `start` on, below `end`.

        A page is bounded by `PAGE_MESSAGES` and `PAGE_BYTES`; it is empty only when the log ends at or before `start`.
        Pages that follow each other cost least. May be cancelled.

        Raises:
            Fault: `log_truncated` when the log no longer has `start`.
            Retryable: `bus_unavailable`.
        """

    async def ends(self) -> Mapping[int, int]:
        """Return partition -> offset after the last record, of the assigned partitions.

        Raises:
            Retryable: `bus_unavailable`.
        """

    async def beginnings(self) -> Mapping[int, int]:
        """Return partition -> first offset the log still has, of the assigned partitions."""

    async def topic_id(self) -> str:
        """Return the topic's id: changes when the topic is deleted and created again."""

    def alive(self) -> bool:
        """Tell whether the consumer polls: health is progress, not `process is up`."""
