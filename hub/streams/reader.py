"""Applies records exactly once, whatever the consumer does (ADR-0003)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

import structlog

from hub.errors import Fault, Retryable
from hub.runtime.metrics import Metrics
from hub.runtime.tasks import end_of, outcome_of
from hub.store.store import Store, Transaction
from hub.streams.applier import Applier, Limits, Outcome, Poisoned, apply_plan
from hub.streams.backlog import Backlog
from hub.streams.envelope import StreamName
from hub.streams.flood import Flooded, FloodWatch
from hub.streams.holds import LIMIT_ROWS, hold
from hub.streams.inbox import DUE_AT_ONCE, Inbox, Places, Swapped
from hub.streams.place_waits import PlaceWaits
from hub.streams.plan import Plan, chunks_of, plan_of
from hub.streams.ports import Feed, FeedRecord, Stalled
from hub.streams.ports import Places as PlacesOf
from hub.streams.reader_metrics import ReaderMetrics
from hub.streams.reader_progress import ReaderProgress
from hub.streams.retries import retry_parked

IDLE_S: Final = 2.0
"""A partition that brought nothing for this long is compared with the log's end (a dropped *last* message)."""
TAKE_LIMIT: Final = 200
"""Kafka records taken from the consumer at once; a record holds up to 2,000 events."""
GATHER_S: Final = 0.05
"""Records are taken at most this often, so that small ones share a commit; the first after a pause never waits."""
CRASH_LIMIT: Final = 3
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0)

log = structlog.get_logger(__name__)


def places_of(store: Store, topic: str) -> PlacesOf:
    """Return the callable that gives a feed the reader's places."""
    return lambda: store.read_blocking(Inbox(topic).offsets)


class Reader:
    """Reads one topic into the service's store, as a part.

    Args:
        store: Holds the places and the effects; both move in one transaction.
        feed: Delivers records; may drop, repeat or reorder them.
        applier: What a record means to this service.
        on_bug: `park` sets the dispute aside after three crashes at one record, `stop` never goes past it.
        metrics: Register.
        stage: Name of this reader in metrics and books: `handoff`, `journal` or `result`.
        idle_s: Quiet time of a partition before its end is compared.
        gather_s: Shortest time between two takes.
        held_limit_rows: Records of held sources that are stored; more become dead letters.
    """

    name = "reader"

    def __init__(
        self,
        store: Store,
        feed: Feed,
        applier: Applier,
        *,
        on_bug: Literal["park", "stop"],
        metrics: Metrics,
        stage: str,
        idle_s: float = IDLE_S,
        gather_s: float = GATHER_S,
        held_limit_rows: int = LIMIT_ROWS,
    ) -> None:
        self._store = store
        self._feed = feed
        self._applier = applier
        self._limits = Limits(on_bug, CRASH_LIMIT, held_limit_rows)
        self._metrics = ReaderMetrics(metrics, stage)
        self._stage = stage
        self._idle_s = idle_s
        self._gather_s = gather_s
        self._took_at = 0.0
        self._inbox = Inbox(feed.topic)
        self._places = Places()
        self._owned: frozenset[int] = frozenset()
        self._topic_id = ""
        self._behind = Backlog()
        self._heard: dict[int, float] = {}
        self._checked_at = 0.0
        self._ends: Mapping[int, int] = {}
        self._parked_at = 0.0
        self._watch = FloodWatch()
        self._waiting = PlaceWaits(store, self._inbox, self._position)
        self._standing = ReaderProgress()
        self._task: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Start feed and apply loop, which waits for the bus."""
        self._metrics.begin()
        self._task = asyncio.create_task(self._run(), name=f"reader-{self._stage}")

    async def stop(self) -> None:
        """Finish the current batch, then leave the group."""
        self._stopped.set()
        try:
            if self._task is not None:
                await end_of(self._task)
        finally:
            # The feed has a thread of its own: it is stopped however the reader ended.
            await self._feed.stop()

    async def failed(self) -> None:
        """Wait until the reader fails; raise its error."""
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await outcome_of(self._task)
            if not self._stopped.is_set():
                raise Fault("reader_ended", f"the reader of {self._feed.topic} ended by itself")

    def alive(self) -> bool:
        """Return whether the feed makes progress."""
        return self._feed.alive()

    def held(self) -> Sequence[str]:
        """Return the held sources, sorted; records of all others go on."""
        return sorted(self._places.held)

    def trouble(self) -> str:
        """Return health's code for why nothing is applied; empty without trouble or work."""
        return self._standing.trouble(fed=self._feed.alive())

    def positions(self, tx: Transaction) -> dict[StreamName, int]:
        """Return the own place in every stream."""
        return self._inbox.positions(tx)

    def books(self, tx: Transaction) -> dict[str, int]:
        """Return the counts of the books; `Inbox.books` names them."""
        return self._inbox.books(tx)

    async def wait_for(self, at_least: Mapping[StreamName, int], timeout_s: float) -> None:
        """Wait until the store includes a place.

        Raises:
            Retryable: `position_not_reached`, kind TOO_LATE.
        """
        await self._waiting.wait_for(at_least, timeout_s)

    def _position(self, stream: StreamName) -> int:
        """Return this worker's committed position of a stream."""
        return self._places.position(stream)

    async def _run(self) -> None:
        attempt = 0
        started = False
        while not self._stopped.is_set():
            try:
                if not started:
                    await self._feed.start()
                    started = True
                await self._step()
                attempt = 0
                self._standing.moved()
            except Stalled as stalled:
                log.warning("consumer_stalled", stage=self._stage, code=stalled.code, detail=stalled.detail)
                self._standing.met(stalled.code)
                await self._feed.stop()
                started = False
                await self._pause(BACKOFF_S[0])
            except Retryable as error:
                log.warning("reader_waits", stage=self._stage, code=error.code, detail=error.detail)
                self._standing.met(error.code)
                await self._pause(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
                attempt += 1

    async def _pause(self, seconds: float) -> None:
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def _step(self) -> None:
        records = await self._next()
        await self._reassign()
        self._behind.begin(self._feed.began())
        if records:
            await self._take(records)
        await self._catch_up()
        now = time.monotonic()
        if now - self._checked_at >= self._idle_s:
            self._checked_at = now
            await self._compare_ends(now)
        if now - self._parked_at >= self._idle_s / 2:
            self._parked_at = now
            await self._retry_parked()

    async def _next(self) -> Sequence[FeedRecord]:
        if self._next_behind() is not None:
            return await self._feed.next(0.0, TAKE_LIMIT)
        await self._pause(self._took_at + self._gather_s - time.monotonic())
        records = await self._feed.next(min(self._idle_s, 0.25), TAKE_LIMIT)
        if records:
            # A full take has gathered enough: the next one follows at once.
            self._took_at = time.monotonic() if len(records) < TAKE_LIMIT else 0.0
        return records

    async def _reassign(self) -> None:
        owned = self._feed.assigned()
        if owned == self._owned:
            return
        new = owned - self._owned
        if new:
            beginnings = await self._feed.beginnings()
            self._topic_id = await self._feed.topic_id()
            mine = {partition: beginnings[partition] for partition in new if partition in beginnings}
            known = await self._store.read(self._inbox.topic_ids)
            if any(known.get(partition) != self._topic_id for partition in mine):
                if known and self._topic_id not in known.values():
                    log.warning("topic_recreated", topic=self._feed.topic, stage=self._stage)
                await self._store.write(lambda tx: self._inbox.adopt(tx, mine, self._topic_id))
        await self._reload()
        for partition in new:
            self._heard[partition] = time.monotonic()
        self._behind.forget(owned ^ self._owned)
        self._owned = owned
        await self._refuse_truncated(new)

    async def _refuse_truncated(self, partitions: frozenset[int]) -> None:
        if not partitions:
            return
        beginnings, ends = await self._feed.beginnings(), await self._feed.ends()
        for partition in partitions & beginnings.keys() & ends.keys():
            place = self._places.offsets.get(partition, 0)
            if place < beginnings[partition] or place > ends[partition]:
                raise Fault(
                    "log_truncated",
                    f"{self._feed.topic}/{partition}: our place is {place}, "
                    f"the log has [{beginnings[partition]}, {ends[partition]})",
                )

    async def _reload(self) -> None:
        before, self._places = self._places.held, await self._store.read(self._inbox.load)
        self._metrics.holds(before, self._places.held)
        self._watch.forget(self._places.held)

    async def _take(self, records: Sequence[FeedRecord]) -> None:
        """Apply the delivered records that continue our places."""
        now = time.monotonic()
        for record in records:
            self._heard[record.partition] = now
        mine = [record for record in records if record.partition in self._feed.assigned()]
        for chunk in chunks_of(self._going_on(mine)):
            if not await self._apply(chunk, {}):
                # Another worker moved our place: judge the rest by the new place.
                await self._take(records)
                return

    def _going_on(self, records: Sequence[FeedRecord]) -> Sequence[FeedRecord]:
        """Return the records that follow without a hole; a fetch brings the others."""
        whole: list[FeedRecord] = []
        expected = dict(self._places.offsets)
        for record in records:
            partition, place = record.partition, expected.get(record.partition, 0)
            if self._behind.goes_on(partition, record.offset, place):
                whole.append(record)
                expected[partition] = max(place, record.offset + 1)
        return whole

    def _next_behind(self) -> int | None:
        """Return a partition that is behind, the same one until it has caught up."""
        offsets, behind = self._places.offsets, self._behind
        return next((p for p in sorted(self._owned) if offsets.get(p, 0) < behind.upto(p)), None)

    async def _catch_up(self) -> None:
        """Fetch and apply one page of a partition that is behind; more comes in the next step."""
        partition = self._next_behind()
        if partition is None or partition not in self._feed.assigned():
            return
        start = self._places.offsets.get(partition, 0)
        page = await self._fetch(partition, start, self._behind.upto(partition))
        for chunk in chunks_of(page):
            if self._stopped.is_set() or partition not in self._feed.assigned():
                return
            before, after = chunk[0].offset, chunk[-1].offset + 1
            gaps = self._behind.gaps(partition, before, after)
            if not await self._apply(chunk, {partition: gaps}):
                return
            self._metrics.fetched(after - before - gaps)
        self._heard[partition] = time.monotonic()

    async def _apply(self, records: Sequence[FeedRecord], gaps: Mapping[int, int]) -> bool:
        """Apply records whose offsets have no holes; False when our place had moved."""
        plan = plan_of(records, self._places)
        try:
            outcome = await self._store.write(lambda tx: self._commit(tx, plan, gaps))
        except Swapped:
            await self._reload()
            return False
        except Flooded as flood:
            # Held before more sound records become dead letters; the records that caused the hold are judged again.
            await self._store.write(partial(hold, topic=self._feed.topic, source=flood.source, reasons=flood.reasons))
            await self._reload()
            return False
        except Poisoned as poisoned:
            await self._record_crash(poisoned)
            raise
        self._settle(plan, gaps, outcome)
        return True

    async def _fetch(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        """Return a page from the log; empty when a stop was asked for first."""
        fetching = asyncio.ensure_future(self._feed.fetch(partition, start, end))
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                return ()
        finally:
            stopping.cancel()
            if not fetching.done():
                fetching.cancel()
                await asyncio.wait({fetching})
        page = fetching.result()
        if not page or [record.offset for record in page] != list(range(start, start + len(page))):
            raise Fault("log_truncated", f"{self._feed.topic}/{partition}: the log has holes in [{start}, {end})")
        return page

    def _commit(self, tx: Transaction, plan: Plan, gaps: Mapping[int, int]) -> Outcome:
        return apply_plan(
            tx, self._inbox, self._applier, plan, self._places, gaps=gaps, limits=self._limits, watch=self._watch
        )

    def _settle(self, plan: Plan, gaps: Mapping[int, int], outcome: Outcome) -> None:
        """Update the cache from the committed rows, and the metrics from the cache."""
        for partition, move in plan.moves.items():
            self._places.offsets[partition] = move.after
        self._places.streams.update(plan.streams)
        self._places.closed.update({stream: place.position for stream, place in plan.closed.items()})
        self._places.parked |= outcome.parked
        self._places.bugs |= outcome.bugs
        self._watch.keep(outcome.trial)
        self._standing.moved()
        self._waiting.tell()
        self._metrics.settled(len(plan.items), plan.repeats, sum(gaps.values()), outcome)

    async def _record_crash(self, poisoned: Poisoned) -> None:
        item, attempts = poisoned.item, poisoned.attempts
        log.error(
            "record_crashed",
            stage=self._stage,
            stream=str(item.stream),
            position=item.position,
            attempts=attempts,
            error=type(poisoned.__cause__).__name__,
        )
        await self._store.write(lambda tx: self._inbox.crashed(tx, item, attempts))

    async def _compare_ends(self, now: float) -> None:
        """Mark as dropped what quiet partitions have had in the log for a while."""
        before, ends = self._ends, await self._feed.ends()
        if ends:
            self._standing.answered()
        self._ends = ends
        lag = 0
        for partition in sorted(self._owned & ends.keys()):
            place = self._places.offsets.get(partition, 0)
            lag += max(0, ends[partition] - place)
            overdue = min(before.get(partition, 0), ends[partition])
            if ends[partition] < place:
                raise Fault(
                    "log_truncated", f"{self._feed.topic}/{partition}: ends at {ends[partition]}, we read {place}"
                )
            quiet = now - self._heard.get(partition, now) >= self._idle_s
            if quiet and overdue > place >= self._behind.upto(partition):
                self._behind.dropped(partition, place, overdue)
        self._metrics.lags(lag)

    async def _retry_parked(self) -> None:
        """Retry what is due; the store is asked, since an operator's redrive or release is stored there."""
        owned, inbox = self._owned, self._inbox
        held, rows, due = await self._store.read(lambda tx: inbox.aside(tx, owned, time.time()))
        if due:
            retry = partial(retry_parked, inbox=inbox, applier=self._applier, partitions=owned, watch=self._watch)
            retried = await self._store.write(lambda tx: retry(tx, now=time.time()))
            self._watch.keep(retried.trial)
            self._metrics.died(retried.dead)
            if retried.tried == DUE_AT_ONCE:
                self._parked_at = 0.0  # there is more: continue after one turn of normal work
        if due or held != self._places.held.keys():
            await self._reload()
            self._waiting.tell()
        self._metrics.waiting(rows, len(self._places.parked))
