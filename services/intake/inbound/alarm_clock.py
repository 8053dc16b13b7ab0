"""Fires timers on the wall clock.

A timer fires when no earlier hand-off can come any more, so this module also compares offsets.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

import structlog
from typing_extensions import override

from hub.errors import Retryable
from hub.runtime.clock import Clock
from hub.runtime.periodic import Periodic
from hub.store.store import Store
from hub.streams.inbox import Inbox
from hub.streams.ports import Feed
from hub.streams.topics import SHARDS, partition_of
from services.intake.cases.ports import HandoffProgress
from services.intake.cases.register import clock_in
from services.intake.inbound.alarms import Alarms

RETRY_S: Final = 1.0

_log = structlog.stdlib.get_logger(__name__)


class FeedProgress(HandoffProgress):
    """Compares own offsets with the log's ends, by partition."""

    def __init__(self, store: Store, feed: Feed, partitions: int) -> None:
        self._store = store
        self._feed = feed
        self._inbox = Inbox(feed.topic)
        self._partitions = partitions

    @override
    async def caught_up(self) -> frozenset[int]:
        try:
            ends = await self._feed.ends()
        except Retryable:
            # Without Kafka nobody knows whether a ruling that came in time is waiting there: no timer fires.
            return frozenset()
        ours = await self._store.read(self._inbox.offsets)
        done = {partition for partition, end in ends.items() if ours.get(partition, 0) >= end}
        return frozenset(shard for shard in range(SHARDS) if partition_of(shard, self._partitions) in done)


class AlarmClock(Periodic):
    """Fires due timers.

    A part of the service. With the wall clock it checks again and again; a timer fires `grace` late, so that what a
    bridge accepted in time has arrived. With the scenario clock `AdvanceClock` fires timers, and this part fires only
    what a crash left over.
    """

    name = "alarm-clock"

    def __init__(
        self,
        store: Store,
        alarms: Alarms,
        progress: HandoffProgress,
        clock: Clock,
        *,
        kind: Literal["wall", "scenario"],
        every_s: float,
        grace_s: float,
    ) -> None:
        super().__init__()
        self._store = store
        self._alarms = alarms
        self._progress = progress
        self._clock = clock
        self._kind = kind
        self._every_s = every_s
        self._grace = timedelta(seconds=grace_s)

    async def ring(self) -> int:
        """Fire once what is due now.

        Returns how many changed their dispute. The end of the log is asked after the time is taken: so everything that
        came before the deadline is applied.
        """
        if self._kind == "scenario":
            return await self._alarms.ring(await self._store.read(clock_in))
        until = self._clock.now() - self._grace
        return await self._alarms.ring(until, await self._progress.caught_up())

    @override
    async def step(self) -> float | None:
        """Ring once; by the scenario clock later rings come with its moves."""
        try:
            await self.ring()
        except Retryable as error:
            _log.warning("alarm_clock_waits", code=error.code, detail=error.detail)
            return RETRY_S
        return None if self._kind == "scenario" else self._every_s
