"""Faust's aiokafka driver, with the reader's own offsets.

A reader starts from its own place, not from the group's offset (ADR-0003).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Transport
from faust.transport.drivers.aiokafka import Consumer as DriverConsumer
from faust.types import TP, AppT
from faust.types.transports import ConsumerT
from typing_extensions import override
from yarl import URL

from hub.errors import Fault
from hub.streams.starts import start_of

FETCH_WAIT_MS: Final = 250
HINT_S: Final = 2.0
LEAVE_S: Final = 2.0
"""How long a hint, and a member that leaves, wait for a coordinator. Without a quorum none ever comes; the broker's
session time-out then removes the member."""


class ConsumerListener(Protocol):
    """The consumer's connection to its owner.

    All methods are called on the main loop.
    """

    async def places(self) -> Mapping[int, int]:
        """Return partition -> next offset of the reader.

        A missing partition starts at the log's beginning.
        """

    def began(self, offsets: Mapping[int, int]) -> None:
        """Report the offsets from which the consumer delivers.

        What lies below them the reader has to fetch.
        """

    def revoked(self) -> None:
        """Report that every partition may have a new owner."""

    def assigned(self, partitions: frozenset[int]) -> None:
        """Report the partitions that are ours."""

    def polled(self) -> None:
        """Report that the consumer asked for records.

        That means it makes progress.
        """


class ConsumerThread(AIOKafkaConsumerThread):
    """The thread that talks to Kafka.

    A failed commit does not kill it, and it ends even while Kafka is away.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as the driver has it
        super().__init__(*arguments, **named)
        self._hint: asyncio.Future[None] | None = None

    @override
    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> AIOKafkaConsumer:
        consumer = super()._create_consumer(loop)
        # The driver's 1.5 s would delay our own requests on the same connection; records come at once either way.
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - there is no setting for it
        return consumer

    @override
    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        # The group's offset is a hint for tools: our store says what we applied. The driver would crash on any error.
        consumer = self._ensure_consumer()
        ours = consumer.assignment()
        hints = {place: OffsetAndMetadata(offset, "") for place, offset in offsets.items() if place in ours}
        if self._hint is None or self._hint.done():
            self._hint = asyncio.ensure_future(consumer.commit(hints))
        # Not cancelled when it takes long: it may be making a connection, which would stay open.
        done, _ = await asyncio.wait({self._hint}, timeout=HINT_S)
        try:
            if not done or self._hint.cancelled():
                # cancelled by our own stop, and not the driver's task that waits here
                raise RequestTimedOutError
            self._hint.result()
        except KafkaError as error:
            self.log.warning("group offsets not written, they are only a hint: %r", error)
            return False
        return True

    @override
    async def on_thread_stop(self) -> None:
        # Skips the driver's own method, which waits for ever for the coordinator to leave the group.
        await super(AIOKafkaConsumerThread, self).on_thread_stop()
        consumer = self._consumer
        if consumer is None:
            return
        client = consumer._client  # noqa: SLF001 - no public way to its connections and tasks
        with contextlib.suppress(TimeoutError):
            # While we have the lock nobody connects: a connection that is cancelled while it is made stays open.
            await asyncio.wait_for(client._get_conn_lock.acquire(), LEAVE_S)  # noqa: SLF001 - as above
        leaving = asyncio.ensure_future(consumer.stop())
        await asyncio.wait({leaving}, timeout=LEAVE_S)
        fetcher, coordinator = consumer._fetcher, consumer._coordinator  # noqa: SLF001 - None before the start reached them
        late, rest = {leaving, self._hint} - {None}, [part.close for part in (fetcher, client) if part is not None]
        if not leaving.done() and coordinator is not None:
            # In the middle of a rebalance it waits for the other members, who would wait for its session's end.
            late |= {coordinator._coordination_task, coordinator._heartbeat_task} - {None}  # noqa: SLF001 - as above
            rest.insert(0, coordinator._maybe_leave_group)  # noqa: SLF001 - as above
        for task in late:
            task.cancel()
        for step in rest:
            await asyncio.wait({*late, asyncio.ensure_future(step())}, timeout=LEAVE_S)
        if not leaving.cancelled() and leaving.done():
            leaving.result()


class OwnPlaceConsumer(DriverConsumer):
    """Seeks the reader's places after each assignment."""

    @property
    def _listener(self) -> ConsumerListener:
        return cast("OwnPlaceTransport", self.transport).listener

    @override
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @override
    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        # with the eager protocol everything is revoked before anything is assigned again
        self._listener.revoked()
        await super().on_partitions_revoked(revoked)

    @override
    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        await super().on_partitions_assigned(assigned, generation_id)
        self._listener.assigned(frozenset(place.partition for place in assigned))

    @override
    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek every assigned partition to the reader's place.

        Returns the offset of each one. The driver's own seek comes first: it waits until the driver has stopped looking
        up the group's offsets, which would otherwise move the consumer again without our knowledge.
        """
        if not self.assignment():
            return {}
        await super().seek_to_committed()
        places = await self._listener.places()
        assignment = sorted(self.assignment())
        if not assignment:
            return {}
        first = await self.earliest_offsets(*assignment)
        last = await self.highwaters(*assignment)
        target = {tp: start_of(places.get(tp.partition), first[tp], last[tp]) for tp in assignment}
        await self.seek_wait(target)
        self._listener.began({tp.partition: offset for tp, offset in target.items()})
        return target

    @override
    async def _wait_next_records(self, timeout: float) -> Any:
        self._listener.polled()
        return await super()._wait_next_records(timeout)


class OwnPlaceTransport(Transport):
    """Transport with our consumer, set as `app.transport`.

    Args:
        urls: Brokers.
        app: The Faust app.
        listener: Source of the reader's places, and receiver of the rebalances.
    """

    Consumer: ClassVar[type[ConsumerT]] = OwnPlaceConsumer

    def __init__(self, urls: list[URL], app: AppT, listener: ConsumerListener) -> None:
        super().__init__(urls, app)
        self.listener = listener


def refuse_foreign_driver(app: AppT) -> None:
    """Check that the app uses our transport.

    With another one it would follow the group's offsets.

    Raises:
        Fault: `feed_crashed`.
    """
    if not isinstance(app.transport, OwnPlaceTransport) or app.transport.Consumer is not OwnPlaceConsumer:
        raise Fault("feed_crashed", "Faust did not take our transport")
