"""The relay, which copies the outbox to Kafka in order.

One batch per shard is in flight until each position is confirmed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from hub.errors import Bug, Retryable
from hub.refusals import UNSENT
from hub.runtime.metrics import Metrics
from hub.runtime.tasks import outcome_of, silence
from hub.store.store import Store, Transaction
from hub.streams.envelope import GENESIS, BatchPlace, Message, StreamName, pack
from hub.streams.leases import Lease, Leases
from hub.streams.outbox import ENVELOPE_BYTES, Outbox, Row
from hub.streams.ports import Delivery, Publisher
from hub.streams.topics import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, partition_of

LINGER_S: Final = 0.05
"""Batches are sent at most this often, those of all shards together: one request to the broker, one answer to each
reader, one commit there. The first after a pause is sent at once."""
LONGEST_LINGER_S: Final = 0.2
RECORDS_S_PER_LINGER_S: Final = 8000
"""The linger grows with what the service writes, from 50 ms at 400 records a second to 200 ms at 1,600: a message costs
each reader the same whether it holds one record or forty."""
FULL_BATCH: Final = 500
"""A shard with this many records after its last batch sends without linger."""
READ_CHUNK: Final = 256
POLL_S: Final = 0.01
IDLE_S: Final = 0.25
MARK_EVERY_S: Final = 0.25
"""A mark is a durable commit of its own, and only saves repeats after a crash."""
PACE_S: Final = 1.0
"""Span over which the records written are counted."""
GAUGE_EVERY_S: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Flight:
    upto: int
    delivery: Delivery
    since: float


class RelayPace:
    """The write rate of the service, and its linger.

    The rate is taken over the last full `PACE_S`.
    """

    def __init__(self) -> None:
        self.linger_s = LINGER_S
        self._since = 0.0
        self._total: int | None = None

    def note(self, total: int, now: float) -> None:
        """Note how many records were written until monotonic second `now`."""
        if self._total is None or now - self._since >= PACE_S:
            if self._total is not None:
                records_s = (total - self._total) / (now - self._since)
                self.linger_s = min(LONGEST_LINGER_S, max(LINGER_S, records_s / RECORDS_S_PER_LINGER_S))
            self._total, self._since = total, now


class Relay:
    """Publishes one service's outbox, as a part.

    Only the holder of a shard's lease relays it. Positions were given when the rows were written, so relaying is a pure
    copy: whatever is sent twice carries the same positions and readers drop it.

    Args:
        store: The service's store.
        outbox: What to relay.
        publisher: Sends the messages.
        partitions: Partitions of the topic, a divisor of 24.
        worker: Name of this process among the service's workers.
        metrics: Register.
        unconfirmed_limit_s: Age of an unconfirmed batch at which the producer is abandoned and built anew.
        drain_s: How long a stop waits for what is still unsent.
        guard: Called before the first send; its `Fault` ends the relay with nothing sent.

    Attributes:
        oldest_unsent_s: Age of the oldest record that is not confirmed.
    """

    name = "relay"

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        publisher: Publisher,
        *,
        partitions: int,
        worker: str,
        metrics: Metrics,
        unconfirmed_limit_s: float = 20.0,
        drain_s: float = 3.0,
        guard: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._publisher = publisher
        self._partitions = partitions
        self._metrics = metrics
        self._limit_s = unconfirmed_limit_s
        self._drain_s = drain_s
        self._guard = guard
        self._leases = Leases(store, worker)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._failure: Future[None] = Future()
        self._failed: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._flights: dict[int, _Flight] = {}
        self._heads: Mapping[int, int] = {}
        self._look_at = 0.0
        self._woken = False
        self._pace = RelayPace()
        self._sent: dict[int, int] = {}
        self._marks: dict[int, int] = {}
        self._marking: Future[None] | None = None
        self._unwritten: dict[int, int] = {}
        self._marked_at = 0.0
        self._retry_at = 0.0
        self._gauged_at = 0.0
        self._continues: dict[tuple[int, str], tuple[StreamName, int] | None] = {}
        self.oldest_unsent_s = 0.0
        self._waits_for = ""
        store.on_commit(self._committed)

    async def start(self) -> None:
        """Start relaying, with what an earlier process left unsent."""
        # One for all watchers: with futures of their own, a cancelled watcher would cancel the thread's future too.
        self._failed = asyncio.wrap_future(self._failure)
        self._failed.add_done_callback(silence)
        self._wake.set()
        self._thread.start()

    async def stop(self) -> None:
        """Send what waits, then give the leases back.

        Sending ends after `drain_s`.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    async def failed(self) -> None:
        """Wait until the relay fails; raise its error."""
        if self._failed is None:
            await asyncio.Event().wait()
        else:
            await outcome_of(self._failed)

    def trouble(self, unsent_alarm_s: float) -> str:
        """Return why accepted records are not sent on.

        A code for what the relay waits for, such as `clock_ahead`, or `unsent`; empty while they are sent on.

        Args:
            unsent_alarm_s: Age of the oldest unsent record that is trouble.
        """
        return (self._waits_for or UNSENT.name) if self.oldest_unsent_s > unsent_alarm_s else ""

    def _committed(self) -> None:
        """Wake up when this process wrote a record.

        Most commits write none; another worker's records are found by polling.
        """
        if self._outbox.written:
            self._outbox.written = False
            self._wake.set()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._round()
            deadline = time.monotonic() + self._drain_s
            while self._busy() and time.monotonic() < deadline:
                self._round()
            self._leave()
        except Exception as error:  # noqa: BLE001 - surfaces through failed(): the process stops loudly
            if not self._failure.done():
                self._failure.set_exception(error)
        finally:
            self._publisher.close()

    def _round(self) -> None:
        self._woken |= self._wake.wait(self._pause())
        self._wake.clear()
        now = time.monotonic()
        try:
            for lease in self._leases.renew(now):
                self._adopt(lease)
            self._sent = {shard: upto for shard, upto in self._sent.items() if shard in self._leases.held}
            self._collect(now)
            if now >= self._retry_at:
                self._ask_guard()
                self._send(now)
            self._mark(now)
            self._gauge(now)
            if not self._flights and not self._behind():
                self._waits_for = ""
        except Retryable as error:
            self._waits_for = error.code
            log.warning("relay_waits", code=error.code, detail=error.detail)
            rest_s = min(error.after_s, 1.0)
            self._retry_at = now + rest_s
            # A store that is full or unreachable fails the next round as well, whatever is to be sent.
            self._stopping.wait(rest_s)

    def _pause(self) -> float:
        pause_s = LINGER_S if self._marks else IDLE_S
        if self._flights or self._behind():
            pause_s = POLL_S
        if self._woken:
            # A commit came right after the last check: check again as soon as that is due.
            pause_s = min(pause_s, max(POLL_S, self._look_at - time.monotonic()))
        return pause_s

    def _ask_guard(self) -> None:
        """Call the guard before the first send.

        A store that is behind its own log must not write.
        """
        if self._guard is not None:
            self._guard()
            self._guard = None

    def _adopt(self, lease: Lease) -> None:
        """Start after the last position known as confirmed."""
        self._sent[lease.shard] = lease.sent_upto
        self._marks.pop(lease.shard, None)
        self._flights.pop(lease.shard, None)

    def _collect(self, now: float) -> None:
        given_up = False
        for shard, flight in list(self._flights.items()):
            if flight.delivery.done():
                del self._flights[shard]
                failure = flight.delivery.failure()
                if failure is None:
                    self._waits_for = ""
                    if shard in self._sent:
                        self._sent[shard] = self._marks[shard] = max(self._sent[shard], flight.upto)
                    continue
                if isinstance(failure, Bug):
                    raise failure.error()
                self._retry_at, self._waits_for = now + min(failure.after_s, 1.0), failure.code
                # The producer tried for its whole delivery time-out. What it gave up leaves a hole in its numbering,
                # and kafka-python's idempotent producer sends nothing behind a hole.
                given_up = True
        oldest = min((flight.since for flight in self._flights.values()), default=now)
        if given_up or now - oldest > self._limit_s:
            log.warning(
                "producer_renewed", given_up=given_up, code=self._waits_for, unconfirmed_s=round(now - oldest, 1)
            )
            self._metrics.inc("hub_producer_renewals_total")
            self._flights.clear()
            self._publisher.renew()

    def _send(self, now: float) -> None:
        look = now >= self._look_at
        if not look and not self._ready(all_of_them=False):
            return
        for shard, upto, message in self._store.read_blocking(lambda tx: self._gather(tx, now, look=look)):
            self._flights[shard] = _Flight(upto, self._publisher.send(message), now)
            if look:
                self._look_at = now + self._pace.linger_s

    def _gather(self, tx: Transaction, now: float, *, look: bool) -> list[tuple[int, int, Message]]:
        """Return all that may be sent now, from one snapshot.

        These are shard, last position and message of each.
        """
        if look:
            self._heads = {stream.shard: position for stream, position in self._outbox.heads(tx).items()}
            self._look_at, self._woken = now + POLL_S, False
            self._pace.note(sum(self._heads.values()), now)
        return [(shard, *self._batch(tx, shard)) for shard in self._ready(all_of_them=look)]

    def _ready(self, *, all_of_them: bool) -> list[int]:
        """Return the shards with something to send and nothing in flight.

        Unless `all_of_them`, only those with a full batch.
        """
        least = 1 if all_of_them else FULL_BATCH
        waiting = ((shard, self._heads.get(shard, 0) - sent) for shard, sent in self._sent.items())
        return [shard for shard, records in waiting if records >= least and shard not in self._flights]

    def _batch(self, tx: Transaction, shard: int) -> tuple[int, Message]:
        sent = self._sent[shard]
        rows = self._rows(tx, shard, sent)
        before = GENESIS
        if sent > 0:
            before = next(rows).hash
        records: list[bytes] = []
        size = 0
        last = first = next(rows)
        for row in (first, *rows):
            size += len(row.record) + 5
            full = len(records) >= MAX_BATCH_RECORDS or size > MAX_BATCH_BYTES - ENVELOPE_BYTES
            if records and (full or row.epoch != first.epoch):
                break
            records.append(row.record)
            last = row
        stream = StreamName(self._outbox.producer, shard, first.epoch)
        place = BatchPlace(
            stream, first.position, len(records), before, last.hash, self._continues_from(tx, shard, first.epoch)
        )
        partition = partition_of(shard, self._partitions)
        message = pack(self._outbox.topic, place, records, partition=partition, written_at=datetime.now(UTC))
        return last.position, message

    def _rows(self, tx: Transaction, shard: int, sent: int) -> Iterator[Row]:
        after = sent - 1
        taken = 0
        while taken <= MAX_BATCH_RECORDS:
            chunk: Sequence[Row] = self._outbox.read(tx, shard, after, READ_CHUNK)
            yield from chunk
            if len(chunk) < READ_CHUNK:
                return
            taken += len(chunk)
            after = chunk[-1].position

    def _continues_from(self, tx: Transaction, shard: int, epoch: str) -> tuple[StreamName, int] | None:
        if (shard, epoch) not in self._continues:
            self._continues[shard, epoch] = self._outbox.continues_from(tx, shard, epoch)
        return self._continues[shard, epoch]

    def _mark(self, now: float) -> None:
        """Store what was confirmed, with a delay.

        A batch that was not marked is only a repeat after a crash.
        """
        if self._marking is not None:
            if not self._marking.done():
                return
            marking, self._marking = self._marking, None
            marks, self._unwritten = self._unwritten, {}
            if marking.exception() is not None:
                # The store is full or unreachable: these marks are written with the next ones.
                self._marks = marks | self._marks
            marking.result()
        if self._marks and now - self._marked_at >= MARK_EVERY_S:
            marks, self._marks = self._marks, {}
            self._marked_at, self._unwritten = now, marks
            self._marking = self._store.submit(lambda tx: self._leases.mark(tx, marks))

    def _flush(self) -> None:
        # Marks that are being written now are written once more: a mark only grows.
        marks = self._unwritten | self._marks
        if marks:
            self._store.write_blocking(lambda tx: self._leases.mark(tx, marks))

    def _leave(self) -> None:
        """Write the last marks and give the leases back.

        If the store fails, repeats follow, and the leases expire.
        """
        try:
            self._flush()
            self._leases.release()
        except Retryable as error:
            log.warning("leases_left_to_expire", code=error.code, detail=error.detail)

    def _lingering(self) -> bool:
        return bool(self._marks) or self._behind()

    def _behind(self) -> bool:
        return any(self._heads.get(shard, 0) > sent for shard, sent in self._sent.items())

    def _busy(self) -> bool:
        return self._woken or bool(self._flights) or self._lingering()

    def _gauge(self, now: float) -> None:
        if now - self._gauged_at < GAUGE_EVERY_S:
            return
        self._gauged_at = now
        unsent = sum(max(0, self._heads.get(shard, 0) - sent) for shard, sent in self._sent.items())
        written = self._store.read_blocking(lambda tx: self._outbox.oldest(tx, self._sent)) if unsent else None
        self.oldest_unsent_s = 0.0 if written is None else max(0.0, time.time() - written)
        self._metrics.set("hub_outbox_unsent_rows", unsent)
        self._metrics.set("hub_outbox_oldest_unsent_age_seconds", self.oldest_unsent_s)
