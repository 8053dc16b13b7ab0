"""The feed of a reader, made with Faust.

A Faust app in the running loop runs only the consumer; places and effects are kept in our store (ADR-0003).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import faust
from aiokafka.errors import KafkaError
from faust.app.base import BootStrategy
from faust.types import StreamT
from typing_extensions import override
from yarl import URL

from hub.errors import Fault, Retryable
from hub.kafka.admin import check_group, check_rights, topic_id
from hub.kafka.buffer import Buffer
from hub.kafka.bus import Bus
from hub.kafka.clients import knock
from hub.kafka.pages import Pages
from hub.kafka.transport import OwnPlaceTransport, refuse_foreign_driver
from hub.refusals import BUS_UNAVAILABLE, CONSUMER_STALLED
from hub.streams.ports import PAGE_BYTES, Feed, FeedRecord, Places, Stalled
from hub.streams.topics import Topic

MAX_RECORDS: Final = 256
MAX_BYTES: Final = PAGE_BYTES
"""The reader works on one buffer while the next one fills."""
POLL_RECORDS: Final = 50
"""Faust keeps all records of a poll until we take them, large ones too: it has no bound by bytes."""
FAUST_QUEUE: Final = 16
"""Records between Faust's consumer and our agent; ours is the buffer that counts."""
STOP_S: Final = 6.0
CANCEL_S: Final = 1.0
START_S: Final = 3.0
"""Time that a stop gives an unfinished start; while the bus is away a start never ends."""
WATCH_S: Final = 0.25
POLL_S: Final = 0.02
STALLED_S: Final = 15.0
"""A consumer that asked for nothing for this long, with room in the buffer, will not recover by itself."""


class _ConsumerOnly(BootStrategy):
    """Starts no producer (the relay has its own) and no web server."""

    enable_kafka_producer = False
    enable_web = False


class FaustFeed(Feed):
    """A member of a consumer group, in the caller's event loop.

    It takes over neither signals nor logging.

    Args:
        bus: Address and settings.
        topic: Row of the catalogue.
        group: Members with one name share the partitions.
        places: Called in a thread at every assignment.
        datadir: Folder that Faust requires; nothing of value is kept there.
        max_records: Bound of what is held while nobody calls `next`.
    """

    def __init__(
        self,
        bus: Bus,
        topic: Topic,
        group: str,
        places: Places,
        datadir: Path,
        *,
        max_records: int = MAX_RECORDS,
    ) -> None:
        self._bus = bus
        self._topic = topic.name
        self._group = group
        self._places = places
        self._datadir = datadir
        self._max_records = max_records
        self._pages = Pages(bus, topic.name)
        self._buffer = Buffer(max_records, MAX_BYTES)
        self._began: Mapping[int, int] = {}
        self._assigned: frozenset[int] = frozenset()
        self._app: Any = None
        self._starting: asyncio.Task[None] | None = None
        self._polled_at = 0.0

    @property
    @override
    def topic(self) -> str:
        return self._topic

    @property
    def held(self) -> int:
        """Number of records that wait for `next`."""
        return len(self._buffer)

    # --- calls from the transport --------------------------------------------------------------------------------

    async def places(self) -> Mapping[int, int]:
        """Read the reader's places from its store.

        The read runs in a thread.
        """
        return await asyncio.to_thread(self._places)

    def revoked(self) -> None:
        """Drop the records read so far.

        Their partitions may have a new owner.
        """
        self._assigned, self._began = frozenset(), {}
        self._buffer.drop()

    def began_at(self, offsets: Mapping[int, int]) -> None:
        """Note the offsets at which the consumer began."""
        self._began = offsets

    def assigned_now(self, partitions: frozenset[int]) -> None:
        """Note the new partitions."""
        self._assigned = partitions
        self._buffer.changed.set()

    def polled(self) -> None:
        """Note that the consumer makes progress."""
        self._polled_at = time.monotonic()

    # --- the port ------------------------------------------------------------------------------------------------

    @override
    async def start(self) -> None:
        # these report at once what the consumer would not report: no route, wrong password, no right
        await asyncio.to_thread(knock, self._bus)
        await asyncio.to_thread(check_rights, self._bus, reads=[self._topic])
        await asyncio.to_thread(check_group, self._bus, self._group)
        self._datadir.mkdir(parents=True, exist_ok=True)
        self._buffer.drop()
        self._polled_at = time.monotonic()
        self._app = self._build()
        # Faust's own start returns after the first assignment, which may never come
        self._starting = asyncio.create_task(self._app.start(), name=f"feed-{self._group}")
        try:
            await self._subscribed()
        except BaseException:
            await self.stop()
            raise

    async def _subscribed(self) -> None:
        deadline = time.monotonic() + self._bus.request_timeout_s
        while True:
            self._check()
            driver = self._app.consumer._thread._consumer  # noqa: SLF001 - Faust reports the assignment only
            if driver is not None and driver.subscription():
                return
            if time.monotonic() > deadline:
                raise BUS_UNAVAILABLE.error(why=f"{self._bus.bootstrap}: the consumer did not connect in time")
            await asyncio.sleep(POLL_S)

    def _build(self) -> Any:  # noqa: ANN401 - Faust's app is generic over nothing that we use
        bus = self._bus
        urls = [URL(f"kafka://{server}") for server in bus.servers]
        app: Any = faust.App(
            self._group,
            broker=urls,
            broker_credentials=_credentials(bus),
            broker_client_id=f"santiao-{self._group}",
            broker_session_timeout=bus.session_timeout_s,
            broker_heartbeat_interval=bus.heartbeat_s,
            broker_request_timeout=max(20.0, 2 * bus.session_timeout_s),
            broker_rebalance_timeout=max(10.0, 2 * bus.session_timeout_s),
            broker_max_poll_interval=300.0,
            broker_max_poll_records=POLL_RECORDS,
            broker_commit_interval=5.0,
            broker_commit_livelock_soft_timeout=3600.0,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=2 * 1024 * 1024,
            consumer_metadata_max_age_ms=30_000,
            stream_buffer_maxsize=FAUST_QUEUE,
            # a slow reader must not delay a rebalance: what it did not take is read again by the next owner
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            autodiscover=False,
            # else Faust's own assignor runs, which is made for tables
            table_standby_replicas=0,
            store="memory://",
            datadir=str(self._datadir),
            loop=asyncio.get_running_loop(),
        )
        app.BootStrategy = _ConsumerOnly
        app.boot_strategy = _ConsumerOnly(app)
        app.transport = OwnPlaceTransport(urls, app, _FeedListener(self))
        refuse_foreign_driver(app)
        source = app.topic(
            self._topic,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )
        app.agent(source, name=f"{self._group}.feed")(self._hand_over)
        return app

    async def _hand_over(self, stream: StreamT[Any]) -> None:
        """Put records into the buffer; this is Faust's agent.

        It does nothing else, so Faust's acknowledgement means nothing.
        """
        async for event in stream.events():
            message = event.message
            await self._buffer.put(
                FeedRecord(
                    message.topic,
                    message.partition,
                    message.offset,
                    message.key,
                    message.value,
                    tuple(message.headers or ()),
                    round((message.timestamp or 0.0) * 1000),
                ),
            )

    @override
    async def stop(self) -> None:
        app, self._app = self._app, None
        starting, self._starting = self._starting, None
        self.revoked()
        if starting is not None:
            # an app that is stopped half-way through its start leaves its consumer's connections open
            await asyncio.wait({starting}, timeout=START_S)
        stopping = None if app is None else asyncio.create_task(app.stop(), name=f"feed-{self._group}-stop")
        if stopping is not None:
            # its final requests may hang when the bus is away; the broker's session time-out then frees the partitions
            await asyncio.wait({stopping}, timeout=STOP_S)
        for late in (stopping, starting):
            if late is not None:
                late.cancel()
                await asyncio.wait({late}, timeout=CANCEL_S)
        thread = None if app is None else app.consumer._thread._thread  # noqa: SLF001 - Faust forgets it after a crash
        if thread is not None:
            # its final callbacks run on this loop, which must not be closed before
            await asyncio.to_thread(thread.join, STOP_S)
        await self._pages.close()
        if stopping is not None and stopping.done() and not stopping.cancelled():
            stopping.result()

    def _check(self) -> None:
        """Raise when the consumer is dead: nothing else reports it."""
        if self._app is None or self._starting is None:
            raise Fault("feed_crashed", f"the consumer of {self._topic} in {self._group} does not run")
        failed = self._starting.done() and not self._starting.cancelled() and self._starting.exception()
        reason = failed or self._app.crash_reason
        if isinstance(reason, (KafkaError, OSError)) and not self._assigned and failed:
            raise BUS_UNAVAILABLE.error(why=f"{self._bus.bootstrap}: {reason}") from reason
        if isinstance(reason, Retryable):
            # The store did not return our places when partitions were assigned. That ended the consumer, not us.
            raise Stalled(reason.refusal) from reason
        if failed or self._app.should_stop:
            raise Fault("feed_crashed", f"the consumer of {self._topic} in {self._group} died: {reason!r}")

    @override
    async def next(self, wait_s: float, limit: int) -> Sequence[FeedRecord]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            self._check()
            if not self.alive():
                raise Stalled(CONSUMER_STALLED.refusal(why=f"{self._topic} in {self._group}"))
            self._buffer.changed.clear()
            records = self._buffer.take(limit)
            left = deadline - loop.time()
            if records or left <= 0:
                return records
            with contextlib.suppress(TimeoutError):
                # short waits, because a crash wakes nobody up
                await asyncio.wait_for(self._buffer.changed.wait(), min(left, WATCH_S))

    @override
    def assigned(self) -> frozenset[int]:
        return self._assigned

    @override
    def began(self) -> Mapping[int, int]:
        return self._began

    @override
    async def fetch(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        return await self._pages.read(partition, start, end)

    @override
    async def ends(self) -> Mapping[int, int]:
        return await self._pages.ends(sorted(self._assigned))

    @override
    async def beginnings(self) -> Mapping[int, int]:
        return await self._pages.beginnings(sorted(self._assigned))

    @override
    async def topic_id(self) -> str:
        return await asyncio.to_thread(topic_id, self._bus, self._topic)

    @override
    def alive(self) -> bool:
        if self._app is None or self._app.should_stop:
            return False
        # A full buffer means a slow reader, not a dead consumer. A rebalance takes a session time-out or two. Faust's
        # own recovery stops for good, and leaves the consumer paused, when one of its steps takes too long.
        quiet_s = time.monotonic() - self._polled_at
        return self._buffer.full or quiet_s < max(STALLED_S, 3 * self._bus.session_timeout_s)


class _FeedListener:
    """Adapts the feed to the transport's `ConsumerListener`.

    The names differ because the feed's port already has an `assigned()`.
    """

    def __init__(self, feed: FaustFeed) -> None:
        self._feed = feed

    async def places(self) -> Mapping[int, int]:
        return await self._feed.places()

    def began(self, offsets: Mapping[int, int]) -> None:
        self._feed.began_at(offsets)

    def revoked(self) -> None:
        self._feed.revoked()

    def assigned(self, partitions: frozenset[int]) -> None:
        self._feed.assigned_now(partitions)

    def polled(self) -> None:
        self._feed.polled()


def _credentials(bus: Bus) -> faust.SASLCredentials | None:
    if bus.credentials is None:
        return None
    context = ssl.create_default_context(cafile=bus.credentials.ca_file) if bus.credentials.ca_file else None
    return faust.SASLCredentials(
        username=bus.credentials.username,
        password=bus.credentials.password,
        mechanism=bus.credentials.mechanism,
        ssl_context=context,
    )
