"""An in-memory bus for service tests.

It has logs, publisher and test hooks; `memory_feed` has its reader. It passes the same contract suite as the real one.
The test hooks (drop, rewind, truncate, …) are methods of the bus, so that no port has a flag for tests.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from uuid import uuid4

from typing_extensions import override

from hub.errors import Bug, Fault, Refusal
from hub.refusals import BUS_UNAVAILABLE
from hub.streams.envelope import Message
from hub.streams.ports import Delivery, FeedRecord, Publisher
from hub.streams.topics import DEFAULT_PARTITIONS, Topic

if TYPE_CHECKING:
    from hub.streams.memory_feed import MemoryFeed


class SendMode(Enum):
    """How the bus treats the messages sent to it."""

    NORMAL = "stored and confirmed"
    HELD = "neither stored nor confirmed: a wedged producer"
    ACK_LOST = "stored, never confirmed"
    REFUSED = "not stored, the delivery carries an error"
    DOWN = "send raises Retryable"


@dataclass(slots=True)
class _Log:
    first: int = 0
    records: list[FeedRecord] = field(default_factory=list)
    skips: set[int] = field(default_factory=set)

    @property
    def end(self) -> int:
        return self.first + len(self.records)


@dataclass(slots=True)
class _TopicLogs:
    topic_id: str
    logs: list[_Log]


class MemoryDelivery(Delivery):
    """Outcome of one send."""

    def __init__(self) -> None:
        self._done = False
        self._failure: Refusal | Bug | None = None

    def settle(self, failure: Refusal | Bug | None) -> None:
        """Confirm (None) or refuse."""
        self._failure, self._done = failure, True

    @override
    def done(self) -> bool:
        return self._done

    @override
    def failure(self) -> Refusal | Bug | None:
        return self._failure


class MemoryBus:
    """Topics as lists; thread-safe.

    Args:
        partitions: Partitions of each topic; its dead letters have one.
        topics: Rows of the catalogue.
    """

    def __init__(self, topics: Sequence[Topic], partitions: int = DEFAULT_PARTITIONS) -> None:
        self.partitions = partitions
        self.sending = SendMode.NORMAL
        self._lock = threading.RLock()
        self._topics: dict[str, _TopicLogs] = {}
        self._members: dict[tuple[str, str], list[MemoryFeed]] = defaultdict(list)
        self._listeners: list[Callable[[], None]] = []
        for topic in topics:
            self._create(topic.name, 1 if topic.whole else partitions)
            self._create(topic.dead_letters, 1)

    def _create(self, name: str, partitions: int) -> None:
        self._topics[name] = _TopicLogs(uuid4().hex, [_Log() for _ in range(partitions)])

    def _log(self, topic: str, partition: int) -> _Log:
        return self._topics[topic].logs[partition]

    # --- the bus proper -------------------------------------------------------------------------------------------

    def append(self, message: Message) -> int:
        """Store a message and return its offset.

        Raises:
            Retryable: `bus_unavailable` when topic or partition does not exist.
        """
        with self._lock:
            if message.topic not in self._topics or not 0 <= message.partition < len(self._topics[message.topic].logs):
                raise BUS_UNAVAILABLE.error(why=f"no partition {message.topic}/{message.partition}")
            log = self._log(message.topic, message.partition)
            offset = log.end
            log.records.append(
                FeedRecord(
                    message.topic,
                    message.partition,
                    offset,
                    message.key,
                    message.value,
                    tuple(message.headers),
                    int(time.time() * 1000),
                ),
            )
        self.wake()
        return offset

    def records(self, topic: str, partition: int | None = None) -> list[FeedRecord]:
        """Return everything that the log still has.

        Sorted by partition and offset.
        """
        with self._lock:
            logs = self._topics[topic].logs
            chosen = logs if partition is None else [logs[partition]]
            return [record for log in chosen for record in log.records]

    def read(self, topic: str, partition: int, start: int, end: int) -> list[FeedRecord]:
        """Return offsets [start, end), dropped ones included.

        Raises:
            Fault: `log_truncated`.
            Retryable: `bus_unavailable` when the bus is down.
        """
        self.check_up()
        with self._lock:
            log = self._log(topic, partition)
            if start < log.first:
                raise Fault("log_truncated", f"{topic}/{partition} begins at {log.first}, {start} is gone")
            return log.records[start - log.first : max(end, start) - log.first]

    def deliver(self, topic: str, partition: int, start: int, limit: int) -> tuple[list[FeedRecord], int]:
        """Return a consumer's next records and its new offset.

        `start` is where the consumer stands.
        """
        with self._lock:
            log = self._log(topic, partition)
            # as a consumer with auto.offset.reset=earliest: outside of the log means its beginning
            place = start if log.first <= start <= log.end else log.first
            taken = log.records[place - log.first : place - log.first + limit]
            given = [record for record in taken if record.offset not in log.skips]
            log.skips.difference_update(record.offset for record in taken)
            return given, place + len(taken)

    def ends(self, topic: str) -> list[int]:
        """Return the end offset of each partition."""
        self.check_up()
        with self._lock:
            return [log.end for log in self._topics[topic].logs]

    def beginnings(self, topic: str) -> list[int]:
        """Return the first offset of each partition."""
        self.check_up()
        with self._lock:
            return [log.first for log in self._topics[topic].logs]

    def topic_id(self, topic: str) -> str:
        """Return the id that `recreate` changes."""
        self.check_up()
        return self._topics[topic].topic_id

    def check_up(self) -> None:
        """Raise Retryable while the bus is down."""
        if self.sending is SendMode.DOWN:
            raise BUS_UNAVAILABLE.error(after_s=0.05, why="memory bus is down")

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each change.

        It may be called from any thread. Returns a function that removes the listener.
        """
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def wake(self) -> None:
        """Call the listeners."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    # --- groups ---------------------------------------------------------------------------------------------------

    def join(self, feed: MemoryFeed) -> None:
        """Add a member and rebalance its group."""
        with self._lock:
            self._members[feed.topic, feed.group].append(feed)
        self.rebalance(feed.topic, feed.group)

    def leave(self, feed: MemoryFeed) -> None:
        """Remove a member and rebalance its group."""
        with self._lock:
            members = self._members[feed.topic, feed.group]
            if feed in members:
                members.remove(feed)
        self.rebalance(feed.topic, feed.group)

    # --- hooks for tests ------------------------------------------------------------------------------------------

    def rebalance(self, topic: str, group: str, turn: int = 0) -> None:
        """Assign the partitions again.

        `turn` shifts which member gets which.
        """
        with self._lock:
            members = list(self._members[topic, group])
            count = len(self._topics[topic].logs)
            for index, member in enumerate(members):
                member.assign(frozenset(p for p in range(count) if (p + turn) % len(members) == index))
        self.wake()

    def drop(self, topic: str, partition: int, offsets: Iterable[int]) -> None:
        """Leave these offsets out of the next delivery.

        A consumer that loses a record does the same; a fetch still returns them.
        """
        with self._lock:
            self._log(topic, partition).skips.update(offsets)

    def rewind(self, topic: str, group: str, by: int) -> None:
        """Deliver each partition's last `by` records to the group again."""
        self._on_each(topic, group, lambda member: member.rewind(by))

    def truncate(self, topic: str, partition: int, before: int) -> None:
        """Delete everything before offset `before`, as retention does."""
        with self._lock:
            log = self._log(topic, partition)
            cut = max(0, min(before, log.end) - log.first)
            log.records[:cut] = []
            log.first += cut

    def recreate(self, topic: str) -> None:
        """Delete and create the topic.

        It then has empty logs from 0 and another id.
        """
        with self._lock:
            self._create(topic, len(self._topics[topic].logs))
        self.wake()

    def crash_feeds(self, topic: str, group: str) -> None:
        """Make every consumer of the group crash."""
        self._on_each(topic, group, lambda member: member.crash())

    def stall_feeds(self, topic: str, group: str) -> None:
        """Make every consumer of the group stop asking.

        It then asks for no more records.
        """
        self._on_each(topic, group, lambda member: member.stall())

    def _on_each(self, topic: str, group: str, what: Callable[[MemoryFeed], None]) -> None:
        with self._lock:
            members = list(self._members[topic, group])
        for member in members:
            what(member)
        self.wake()


class MemoryPublisher(Publisher):
    """Sends messages to the memory bus.

    `bus.sending` says what happens to them.
    """

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self._wedged = False
        self.renewals = 0
        self.closed = False

    @override
    def send(self, message: Message) -> Delivery:
        delivery = MemoryDelivery()
        sending = SendMode.HELD if self._wedged else self._bus.sending
        if sending is SendMode.DOWN or self.closed:
            raise BUS_UNAVAILABLE.error(after_s=0.05, why="memory bus is down")
        if sending in {SendMode.NORMAL, SendMode.ACK_LOST}:
            self._bus.append(message)
        if sending is SendMode.NORMAL:
            delivery.settle(None)
        elif sending is SendMode.REFUSED:
            delivery.settle(BUS_UNAVAILABLE.refusal(after_s=0.05, why="memory bus refuses"))
        elif sending is SendMode.HELD:
            # a stuck producer stays stuck until it is renewed, also when the broker is back
            self._wedged = True
        return delivery

    @override
    def renew(self) -> None:
        self.renewals += 1
        self._wedged = False

    @override
    def close(self) -> None:
        self.closed = True
