"""Writes a journal to Kafka as intake's relay does.

Records are numbered, hashed and batched, with the position in the headers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from dispute.contracts.topics import JOURNAL
from hub.errors import Retryable
from hub.streams.envelope import GENESIS, BatchPlace, Message, StreamName, extend, pack
from hub.streams.outbox import ENVELOPE_BYTES
from hub.streams.ports import Delivery, Publisher
from hub.streams.topics import DEFAULT_PARTITIONS, MAX_BATCH_BYTES, MAX_BATCH_RECORDS, SHARDS, Topic, partition_of

EPOCH: Final = "bench001"
IN_FLIGHT: Final = 2_000
"""Most unconfirmed messages; the producer's buffer of 32 MiB limits them too."""
POLL_S: Final = 0.001
BLOCKED_S: Final = 30.0


@dataclass(slots=True)
class Recorded:
    """Counts of the records written.

    Attributes:
        events: Journal events.
        values: Kafka messages.
        value_bytes: Bytes of their values, before compression.
        heads: Last position of each stream.
    """

    events: int = 0
    values: int = 0
    value_bytes: int = 0
    heads: dict[StreamName, int] = field(default_factory=dict)

    @property
    def events_a_value(self) -> float:
        """Mean number of events per value.

        It is below the wanted number when the limit of 512 KiB of a value was reached before.
        """
        return self.events / self.values if self.values else 0.0


@dataclass(slots=True)
class _Tail:
    """The end of one stream.

    It has the state of the records that were sent, and the records that wait for their batch to fill.
    """

    position: int = 0
    sent_hash: bytes = GENESIS
    hash: bytes = GENESIS
    records: list[bytes] = field(default_factory=list)
    size: int = 0


class Recorder:
    """Numbers events and sends them in batches.

    All batches have one size; a topic needs one recorder for its whole life.

    Args:
        publisher: Publisher that sends the batches.
        per_value: Records per value; fewer when the values' limit in bytes is reached, as in the relay.
        partitions: Partitions of the topic.
        epoch: Epoch of the streams.
        topic: The journal, or the hand-offs of one bridge.
        producer: Producer of the streams.
    """

    def __init__(
        self,
        publisher: Publisher,
        *,
        per_value: int,
        partitions: int = DEFAULT_PARTITIONS,
        epoch: str = EPOCH,
        topic: Topic = JOURNAL,
        producer: str = JOURNAL.producers[0],
    ) -> None:
        if not 1 <= per_value <= MAX_BATCH_RECORDS:
            raise ValueError(f"a value has 1 to {MAX_BATCH_RECORDS} records")
        self._sender = Sender(publisher)
        self._per_value = per_value
        self._partitions = partitions
        self._topic = topic
        self._streams = tuple(StreamName(producer, shard, epoch) for shard in range(SHARDS))
        self._tails = [_Tail() for _ in range(SHARDS)]
        self._recorded = Recorded()

    def record(self, events: Iterable[tuple[int, bytes]]) -> Recorded:
        """Send all events and wait for confirmation.

        The last, incomplete batches are sent too.

        Args:
            events: Shard and serialised event, in order.

        Returns:
            What this recorder has written so far.

        Raises:
            Retryable: `bus_unavailable`; Fault: `bus_refused`.
        """
        per_value = self._per_value
        for shard, record in events:
            tail = self._tails[shard]
            # As in the relay: a batch ends before the record that would exceed the limit.
            if tail.records and tail.size + len(record) > MAX_BATCH_BYTES - ENVELOPE_BYTES:
                self._flush(shard)
            tail.records.append(record)
            tail.size += len(record)
            tail.hash = extend(tail.hash, record)
            if len(tail.records) >= per_value:
                self._flush(shard)
        for shard in range(SHARDS):
            self._flush(shard)
        self._sender.drain()
        return self._recorded

    def _flush(self, shard: int) -> None:
        tail = self._tails[shard]
        if not tail.records:
            return
        stream = self._streams[shard]
        place = BatchPlace(stream, tail.position + 1, len(tail.records), tail.sent_hash, tail.hash)
        partition = partition_of(shard, self._partitions)
        message = pack(self._topic, place, tail.records, partition=partition, written_at=datetime.now(UTC))
        self._sender.send(message)
        recorded = self._recorded
        recorded.events += place.count
        recorded.values += 1
        recorded.value_bytes += len(message.value)
        recorded.heads[stream] = tail.position = place.last
        tail.sent_hash, tail.records, tail.size = tail.hash, [], 0


class Sender:
    """Sends messages in order without waiting for each.

    The error of a refused message is raised by a later call.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._flying: deque[Delivery] = deque()

    def send(self, message: Message) -> None:
        """Send one message.

        It waits while too many messages are unconfirmed or the producer's buffer is full.
        """
        self._settle(IN_FLIGHT)
        deadline = time.monotonic() + BLOCKED_S
        while True:
            try:
                self._flying.append(self._publisher.send(message))
            except Retryable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
            else:
                return

    def drain(self) -> None:
        """Wait until all messages are confirmed."""
        self._settle(0)

    def _settle(self, allowed: int) -> None:
        while self._flying and (len(self._flying) > allowed or self._flying[0].done()):
            while not self._flying[0].done():
                time.sleep(POLL_S)
            failure = self._flying.popleft().failure()
            if failure is not None:
                raise failure.error()
