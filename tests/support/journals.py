"""A producer and a reader on the memory bus, for the journal's contract."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL, TOPICS
from hub.errors import Fault, Kind, Refusal
from hub.runtime.metrics import Metrics
from hub.store.migrate import migrate
from hub.store.store import Store, Transaction
from hub.streams.applier import Answer, Poisoned
from hub.streams.envelope import StreamName
from hub.streams.judge import Numbered
from hub.streams.memory import MemoryBus, MemoryPublisher
from hub.streams.memory_feed import MemoryFeed
from hub.streams.outbox import Entry, Outbox
from hub.streams.reader import Reader, places_of
from hub.streams.relay import Relay
from hub.streams.topics import partition_of, shard_of

GROUP = "hub-test"
effects = sa.table("effects", sa.column("record"), sa.column("position"), sa.column("shard"))


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 15.0) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


@dataclass
class Recorder:
    """Applier that writes what it gets to a table; the texts say how it behaves."""

    dies_at: set[str] = field(default_factory=set)
    waits_at: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    def key_of(self, record: bytes) -> str:
        return record.decode().split(":", maxsplit=1)[0]

    def source_of(self, record: bytes) -> str:
        """`court-a:text` comes from `court`; what has no hyphen, from its producer."""
        agency, hyphen, _ = self.key_of(record).partition("-")
        return agency if hyphen else ""

    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        return [self._one(tx, item) for item in records]

    def _one(self, tx: Transaction, item: Numbered) -> Answer:
        text = item.record.decode()
        if text in self.waits_at:
            return Refusal("not_now", kind=Kind.UNAVAILABLE)
        if text in self.refuses:
            return Refusal("refused", "by rule")
        if text in self.late:
            return Refusal("wrong_state", "the dispute moved on", kind=Kind.WRONG_STATE)
        tx.execute(sa.insert(effects), {"record": text, "position": item.position, "shard": item.stream.shard})
        if text in self.dies_at:
            raise ZeroDivisionError
        return None


@dataclass
class Bench:
    """One producer store, one reader store, one bus."""

    producer: Store
    consumer: Store
    bus: MemoryBus
    stack: AsyncExitStack
    outbox: Outbox = field(default_factory=lambda: Outbox(JOURNAL, "intake"))
    publishers: list[MemoryPublisher] = field(default_factory=list)

    async def write(self, *records: str) -> None:
        """Write records `key:text`."""
        entries = [Entry(record.split(":", maxsplit=1)[0], record.encode()) for record in records]
        await self.producer.write(lambda tx: self.outbox.append(tx, entries))

    async def relay(
        self, worker: str = "one", *, unconfirmed_limit_s: float = 20.0, guard: Callable[[], None] | None = None
    ) -> Relay:
        publisher = MemoryPublisher(self.bus)
        self.publishers.append(publisher)
        relay = Relay(
            self.producer,
            self.outbox,
            publisher,
            partitions=self.bus.partitions,
            worker=worker,
            metrics=Metrics(),
            unconfirmed_limit_s=unconfirmed_limit_s,
            guard=guard,
        )
        await relay.start()
        self.stack.push_async_callback(relay.stop)
        return relay

    async def sent(self) -> bool:
        return await self.producer.read(lambda tx: self.outbox.heads(tx) == self.outbox.sent(tx))

    async def renewed(self) -> bool:
        """Tell whether the first relay has given a producer up."""
        return self.publishers[0].renewals > 0

    async def publish(self, *records: str) -> None:
        """Write and publish records, each write in a batch of its own."""
        await self.write(*records)
        relay = await self.relay()
        await until(self.sent)
        await relay.stop()

    async def reader(
        self,
        applier: Recorder | None = None,
        *,
        store: Store | None = None,
        on_bug: str = "park",
        gather_s: float = 0.0,
        held_limit_rows: int = 1000,
    ) -> Reader:
        store = store or self.consumer
        feed = MemoryFeed(self.bus, JOURNAL, GROUP, places_of(store, JOURNAL.name))
        reader = Reader(
            store,
            feed,
            applier or Recorder(),
            on_bug=on_bug,  # type: ignore[arg-type]
            metrics=Metrics(),
            stage="journal",
            idle_s=0.1,
            gather_s=gather_s,
            held_limit_rows=held_limit_rows,
        )
        await reader.start()
        self.stack.push_async_callback(reader.stop)
        return reader

    async def effects(self) -> list[str]:
        query = sa.select(effects.c.record).order_by(effects.c.shard, effects.c.position)
        return await self.consumer.read(lambda tx: list(tx.scalars(query)))

    async def applied(self, reader: Reader) -> None:
        """Wait until the reader has taken everything that was written."""
        await reader.wait_for(await self.producer.read(self.outbox.heads), 15.0)

    def partition_of(self, key: str) -> int:
        return partition_of(shard_of(key), self.bus.partitions)

    async def head(self, key: str) -> tuple[StreamName, int]:
        heads = await self.producer.read(self.outbox.heads)
        return next((name, n) for name, n in heads.items() if name.shard == shard_of(key))


async def fault_of(reader: Reader) -> Exception:
    """Wait until the reader dies; returns why."""
    with suppress(TimeoutError):
        try:
            await asyncio.wait_for(reader.failed(), 15.0)
        except (Fault, Poisoned) as error:
            return error
    message = "the reader did not stop"
    raise AssertionError(message)


@asynccontextmanager
async def bench_of(producer: Store, consumer: Store) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        bench = Bench(producer, consumer, MemoryBus(TOPICS, partitions=2), stack)
        await producer.write(bench.outbox.open)
        await consumer.write(
            lambda tx: tx.execute(sa.text("CREATE TABLE effects (record TEXT, position BIGINT, shard INTEGER)"))
        )
        yield bench


@pytest.fixture
async def bench(store: Store, tmp_path: Path) -> AsyncIterator[Bench]:
    """Producer on SQLite, reader on each kind of store."""
    producer = Store(f"sqlite:///{tmp_path / 'producer.db'}")
    migrate(producer)
    try:
        async with bench_of(producer, store) as built:
            yield built
    finally:
        producer.close()
