"""A feed's second consumer, which reads the log itself.

It reads pages, beginnings and ends without the group and without Faust (ADR-0008).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    KafkaError,
    OffsetOutOfRangeError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
)

from hub.errors import Bug, Fault, Refusal
from hub.kafka.bus import Bus
from hub.refusals import BUS_UNAVAILABLE
from hub.runtime.tasks import outcome_of, silence
from hub.streams.ports import PAGE_BYTES, PAGE_MESSAGES, FeedRecord

FETCH_BYTES: Final = 2 * 1024 * 1024
"""What the broker sends of a partition at once, as it is stored: this much is read ahead while a page is applied."""
STEP: Final = 64
"""Messages unpacked between two checks of the page's size, fewer where they are large."""
POLL_MS: Final = 500
FETCH_WAIT_MS: Final = 100
CLOSE_S: Final = 2.0
LOOK_S: Final = 0.005

Answer = TypeVar("Answer")


class Pages:
    """Reads one topic in pages.

    It connects at the first request. It runs in one event loop and takes many callers, one request at a time.

    Every method raises Fault `bus_auth_failed` or `bus_not_allowed`, and Retryable `bus_unavailable`, after which the
    next call connects anew. A request is completed also when its caller gives it up (aiokafka loses connections when it
    is cancelled); only `close` cancels.

    The consumer stays at one partition for as long as that is asked for, and reads ahead there while the page before is
    applied: with several partitions assigned, aiokafka fetches nothing for one while another's records wait.

    Args:
        bus: Address and settings.
        topic: Kafka topic.
    """

    def __init__(self, bus: Bus, topic: str) -> None:
        self._bus = bus
        self._topic = topic
        self._consumer: AIOKafkaConsumer | None = None
        self._at: tuple[int, int] | None = None
        self._asked: set[asyncio.Task[Any]] = set()
        self._turn = asyncio.Lock()

    async def read(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        """Return one page of records from `start`.

        All are below `end`. Empty when the log ends at or before `start`.

        Raises:
            Fault: `log_truncated` when the log no longer has `start`.
        """
        return await self._ask(lambda: self._read(partition, start, end)) if start < end else []

    async def ends(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Return partition -> offset after the last record."""
        return await self._ask(lambda: self._bounds("end_offsets", partitions)) if partitions else {}

    async def beginnings(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Return partition -> first offset still in the log."""
        return await self._ask(lambda: self._bounds("beginning_offsets", partitions)) if partitions else {}

    async def _ask(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        asked = asyncio.create_task(self._answer(question), name=f"pages-{self._topic}")
        self._asked.add(asked)
        asked.add_done_callback(self._asked.discard)
        asked.add_done_callback(silence)
        return await outcome_of(asked, BUS_UNAVAILABLE.refusal(why=f"the reader of {self._topic} is closed"))

    async def _answer(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        async with self._turn:
            try:
                return await question()
            except (KafkaError, OSError) as error:
                await self._drop()
                raise self._named(error).error() from error

    async def _bounds(self, which: str, partitions: Sequence[int]) -> Mapping[int, int]:
        consumer = await self._current()
        answer = await getattr(consumer, which)([TopicPartition(self._topic, partition) for partition in partitions])
        return {place.partition: offset for place, offset in answer.items()}

    async def _read(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        try:
            page = await self._page(TopicPartition(self._topic, partition), start, end)
        except OffsetOutOfRangeError as error:
            await self._drop()
            raise Fault("log_truncated", f"{self._topic}/{partition} no longer has offset {start}") from error
        self._at = (partition, start + len(page))
        if not page or start + len(page) >= end:
            self._rest()
        return page

    async def _page(self, place: TopicPartition, start: int, end: int) -> list[FeedRecord]:
        consumer = await self._current()
        if self._at != (place.partition, start):
            if self._at is None or self._at[0] != place.partition:
                consumer.assign([place])
            consumer.seek(place, start)
            self._at = (place.partition, start)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._bus.request_timeout_s
        page: list[FeedRecord] = []
        wanted = min(PAGE_MESSAGES, end - start)
        size, largest, wait_ms = 0, 1, POLL_MS
        while len(page) < wanted and size < PAGE_BYTES:
            # one first, because nothing is known of the sizes yet
            step = max(1, min(STEP, wanted - len(page), (PAGE_BYTES - size) // largest)) if page else 1
            got = (await consumer.getmany(place, timeout_ms=wait_ms, max_records=step)).get(place, ())
            page += map(_record, got)
            sizes = [len(record.value or b"") for record in got]
            size += sum(sizes)
            if got:
                # take what is here already; do not wait again for more
                wait_ms = 0
                largest = max(largest, *sizes)
            elif page or (await consumer.end_offsets([place]))[place] <= start:
                break
            elif loop.time() > deadline:
                raise KafkaError(f"{self._topic}/{place.partition} gave nothing from {start} in time")
        return page

    async def _current(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            bus = self._bus
            consumer = AIOKafkaConsumer(
                bootstrap_servers=bus.servers,
                client_id=f"santiao-pages-{self._topic}",
                group_id=None,
                enable_auto_commit=False,
                # no reset to another offset: a jump would hide a truncated log
                auto_offset_reset="none",
                request_timeout_ms=int(bus.request_timeout_s * 1000),
                fetch_max_wait_ms=FETCH_WAIT_MS,
                max_partition_fetch_bytes=FETCH_BYTES,
                **_security(bus),
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer, self._at = consumer, None
        return self._consumer

    def _rest(self) -> None:
        """Stop reading ahead.

        At the log's end the group's consumer brings new records.
        """
        if self._consumer is not None:
            self._consumer.unsubscribe()
        self._at = None

    def _named(self, error: Exception) -> Refusal | Bug:
        user = self._bus.credentials.username if self._bus.credentials else "ANONYMOUS"
        if isinstance(error, SaslAuthenticationFailed):
            return Bug(Fault("bus_auth_failed", f"{self._bus.bootstrap} refuses user {user!r}: {error}"))
        if isinstance(error, TopicAuthorizationFailedError):
            return Bug(Fault("bus_not_allowed", f"user {user!r} lacks a right on {self._bus.bootstrap}: {error}"))
        return BUS_UNAVAILABLE.refusal(why=f"{self._bus.bootstrap}: {error}")

    async def close(self) -> None:
        """Close the connections within a bounded time.

        Callers that still wait get Retryable.
        """
        if self._asked:
            await asyncio.wait(self._asked, timeout=CLOSE_S)
        while self._asked:
            # Requests that came while others ended are cancelled too.
            for asked in self._asked:
                asked.cancel()
            await asyncio.wait(self._asked)
        await self._drop()

    async def _drop(self) -> None:
        old, self._consumer, self._at = self._consumer, None, None
        if old is None:
            return
        # Its stop() stops at the first fetch that it cancels, and the connections of the others stay open; without
        # partitions it ends all fetches in order.
        old.unsubscribe()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_idle(old), CLOSE_S)
        stopping = asyncio.create_task(old.stop())
        await asyncio.wait({stopping}, timeout=CLOSE_S)
        if stopping.cancel() or stopping.cancelled() or stopping.exception() is not None:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(old._client.close(), CLOSE_S)  # noqa: SLF001 - the only way to its connections


async def _idle(consumer: AIOKafkaConsumer) -> None:
    """Wait until a consumer neither fetches nor connects.

    A connection that is cancelled while it is made stays open for ever.
    """
    fetcher, client = consumer._fetcher, consumer._client  # noqa: SLF001 - no public method shows this state
    while fetcher._pending_tasks or client._get_conn_lock.locked():  # noqa: ASYNC110, SLF001 - as above
        await asyncio.sleep(LOOK_S)


def _security(bus: Bus) -> dict[str, Any]:
    """Return aiokafka's security settings.

    They are those of kafka-python, except for the CA file.
    """
    settings = dict(bus.security())
    authority = settings.pop("ssl_cafile", None)
    if authority is not None:
        settings["ssl_context"] = ssl.create_default_context(cafile=authority)
    return settings


def _record(record: ConsumerRecord) -> FeedRecord:
    return FeedRecord(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        record.headers,
        record.timestamp,
    )
