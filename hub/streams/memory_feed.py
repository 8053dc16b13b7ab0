"""The feed of the in-memory bus.

It has the same port, groups and rebalances as the Faust one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from typing_extensions import override

from hub.errors import Fault, Retryable
from hub.refusals import CONSUMER_STALLED
from hub.streams.memory import MemoryBus
from hub.streams.ports import PAGE_BYTES, PAGE_MESSAGES, Feed, FeedRecord, Places, Stalled
from hub.streams.starts import start_of
from hub.streams.topics import Topic


class MemoryFeed(Feed):
    """A member of a group on a `MemoryBus`.

    Args:
        bus: Where the logs are.
        topic: Row of the catalogue.
        group: Members with one name share the partitions.
        places: Called at every assignment, in a thread.
    """

    def __init__(self, bus: MemoryBus, topic: Topic, group: str, places: Places) -> None:
        self.group = group
        self._bus = bus
        self._topic = topic.name
        self._places = places
        self._assigned: frozenset[int] = frozenset()
        self._cursors: dict[int, int] = {}
        self._began: dict[int, int] = {}
        self._generation = 0
        self._loaded = 0
        self._turn = 0
        self._failure: Fault | Stalled | None = None
        self._started = False
        self._changed = asyncio.Event()
        self._unlisten: Callable[[], None] | None = None

    @property
    @override
    def topic(self) -> str:
        return self._topic

    @override
    async def start(self) -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._changed.set)

        self._unlisten = self._bus.listen(wake)
        self._started, self._failure = True, None
        self._bus.join(self)

    @override
    async def stop(self) -> None:
        if self._started:
            self._started = False
            if self._unlisten is not None:
                self._unlisten()
            self._bus.leave(self)
            self.assign(frozenset())

    def assign(self, partitions: frozenset[int]) -> None:
        """Take a new assignment; called by the bus.

        The places are read again before the next record.
        """
        self._assigned, self._cursors, self._began = partitions, {}, {}
        self._generation += 1

    def rewind(self, by: int) -> None:
        """Step back in every partition; called by the bus."""
        self._cursors = {partition: max(0, at - by) for partition, at in self._cursors.items()}

    def crash(self) -> None:
        """Fail as a consumer does; called by the bus."""
        self._failure = Fault("feed_crashed", f"consumer of {self._topic} in {self.group} died")

    def stall(self) -> None:
        """Ask for nothing more; called by the bus.

        The next start ends it.
        """
        self._failure = Stalled(CONSUMER_STALLED.refusal(why=f"{self._topic} in {self.group}"))

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    @override
    async def next(self, wait_s: float, limit: int) -> Sequence[FeedRecord]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            self._check()
            self._changed.clear()
            await self._load()
            records = self._take(limit)
            left = deadline - loop.time()
            if records or left <= 0:
                return records
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                self._check()
                return ()

    async def _load(self) -> None:
        while self._loaded != self._generation:
            generation = self._generation
            places = await asyncio.to_thread(self._places)
            if generation == self._generation:
                try:
                    first, ends = self._bus.beginnings(self._topic), self._bus.ends(self._topic)
                except Retryable:
                    return  # as a consumer without a bus: it stays silent
                self._began = {p: start_of(places.get(p), first[p], ends[p]) for p in self._assigned}
                self._cursors = dict(self._began)
                self._loaded = generation

    def _take(self, limit: int) -> Sequence[FeedRecord]:
        taken: list[Sequence[FeedRecord]] = []
        left = limit
        order = sorted(self._cursors)
        # another partition comes first each time: nobody may rely on an order between partitions
        self._turn += 1
        for partition in order[self._turn % max(1, len(order)) :] + order[: self._turn % max(1, len(order))]:
            if left <= 0:
                break
            records, self._cursors[partition] = self._bus.deliver(
                self._topic,
                partition,
                self._cursors[partition],
                left,
            )
            taken.append(records)
            left -= len(records)
        return list(chain.from_iterable(taken))

    @override
    def assigned(self) -> frozenset[int]:
        return self._assigned

    @override
    def began(self) -> Mapping[int, int]:
        return self._began

    @override
    async def fetch(self, partition: int, start: int, end: int) -> Sequence[FeedRecord]:
        page: list[FeedRecord] = []
        size = 0
        for record in self._bus.read(self._topic, partition, start, min(end, start + PAGE_MESSAGES)):
            page.append(record)
            size += len(record.value or b"")
            if size >= PAGE_BYTES:
                break
        return page

    @override
    async def ends(self) -> Mapping[int, int]:
        ends = self._bus.ends(self._topic)
        return {partition: ends[partition] for partition in self._assigned}

    @override
    async def beginnings(self) -> Mapping[int, int]:
        beginnings = self._bus.beginnings(self._topic)
        return {partition: beginnings[partition] for partition in self._assigned}

    @override
    async def topic_id(self) -> str:
        return self._bus.topic_id(self._topic)

    @override
    def alive(self) -> bool:
        return self._started and self._failure is None
