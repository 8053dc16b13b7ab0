"""Switches guards of the product off, one by one, inside a wrapped service: the control's sabotage.

`tests/faults/service.py` calls `install` with the text of `FAULT_GUARD_OFF` before the service builds anything. Names
are separated by commas; some name a trap instead (`traps.py`): what a drive needs, whether the guard is there or not.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from faust.transport.drivers.aiokafka import Consumer

from dispute.calendar.working_days import LimitEnd, WorkCalendar
from dispute.contracts.topics import BRIDGES
from hub.errors import Fault, Refusal
from hub.kafka import admin
from hub.kafka.pages import Pages
from hub.kafka.transport import OwnPlaceConsumer
from hub.store import failures
from hub.store.store import Store
from hub.store.tables import inbox_partition
from hub.store.waits import SERVING, WaitBounds
from hub.streams import plan, reader
from hub.streams.backlog import Backlog
from hub.streams.envelope import place_of, unpack
from hub.streams.inbox import Inbox, Move
from hub.streams.judge import Numbered, RecordVerdict, StreamPlace
from hub.streams.ports import FeedRecord
from hub.streams.reader import Reader
from hub.streams.relay import Relay
from ops.run.launcher import SERVICES
from services.intake.inbound.handoffs import HandoffApplier
from services.stats.facts.fold import Fold
from tests.faults import traps

LONG_S: Final = 120.0


@dataclass(frozen=True)
class Guard:
    """One guard of the product, or one deed that no guard could hide.

    Attributes:
        name: What `FAULT_GUARD_OFF` takes.
        services: Which services it is switched off in.
        off: How, for people.
        install: Does it, in this process.
    """

    name: str
    services: tuple[str, ...]
    off: str
    install: Callable[[], None]


def install(names: str) -> None:
    """Switch off what is named.

    Raises:
        KeyError: No such guard or trap.
    """
    installs = {guard.name: guard.install for guard in GUARDS.values()} | dict(traps.TRAPS)
    for name in names.split(","):
        installs[name]()


def _own_place() -> None:
    """Leave the consumer where the group's committed offset sends it."""
    OwnPlaceConsumer.seek_to_committed = Consumer.seek_to_committed  # type: ignore[method-assign]


def _gap_fetch() -> None:
    """Believe that the consumer dropped nothing."""

    def goes_on(self: Backlog, partition: int, offset: int, place: int) -> bool:
        del self, partition, offset, place
        return True

    Backlog.goes_on = goes_on  # type: ignore[method-assign]


def _idle_check() -> None:
    """Never compare a quiet partition with the log's end."""

    async def compare(self: Reader, now: float) -> None:
        del self, now

    Reader._compare_ends = compare  # type: ignore[method-assign]


def _slicing() -> None:
    """Take every record of a repeated batch for new."""
    module: Any = plan
    judge = module.judge

    def whole(source: FeedRecord, places: Mapping[Any, StreamPlace], closed: Mapping[Any, int]) -> RecordVerdict:
        verdict: RecordVerdict = judge(source, places, closed)
        if not verdict.repeats or verdict.dead is not None or source.value is None:
            return verdict
        place = place_of(source.headers)
        items = tuple(
            Numbered(source.topic, source.partition, source.offset, place.stream, place.first + index, record)
            for index, record in enumerate(unpack(place, source.value))
        )
        return verdict._replace(items=items, repeats=0)

    module.judge = whole


def _swap() -> None:
    """Write one's own place over whatever stands there."""

    def swap(self: Inbox, tx: sa.Connection, moves: Mapping[int, Move]) -> None:
        c = inbox_partition.c
        for partition, move in sorted(moves.items()):
            tx.execute(
                sa.update(inbox_partition)
                .where(c.topic == self.topic, c.partition == partition)
                .values(next_offset=move.after, repeats_dropped=c.repeats_dropped + move.repeats)
            )

    Inbox.swap = swap  # type: ignore[method-assign]


def _watchdog() -> None:
    """Never give a producer up."""
    build = Relay.__init__

    def patient(self: Relay, *args: Any, **named: Any) -> None:  # noqa: ANN401 - as the method
        build(self, *args, **named)
        self._limit_s = math.inf

    Relay.__init__ = patient  # type: ignore[method-assign]


def _parking() -> None:
    """Stop at a bug for ever instead of setting the dispute aside."""
    build = Reader.__init__

    def stubborn(self: Reader, *args: Any, **named: Any) -> None:  # noqa: ANN401 - as the method
        build(self, *args, **{**named, "on_bug": "stop"})

    Reader.__init__ = stubborn  # type: ignore[method-assign]


def _provisional_dates() -> None:
    """Refuse a limit that reaches a year without a table of holidays."""
    due = WorkCalendar._due

    def known(self: WorkCalendar, first: date, last: date) -> LimitEnd:
        found = due(self, first, last)
        if found.missing_year is not None:
            raise Refusal("calendar_missing", f"no holiday table of {found.missing_year}").error()
        return found

    WorkCalendar._due = known  # type: ignore[method-assign]


def _sqlstates() -> None:
    """Take everything that PostgreSQL says for our own bug."""
    module: Any = failures
    module.SQLSTATES = {}


def _bounded_waits() -> None:
    """Wait for a store as long as it takes."""
    build = Store.__init__

    def patient(self: Store, url: str, waits: WaitBounds = SERVING) -> None:
        build(self, url, replace(waits, lock_s=LONG_S, statement_s=0.0, queue_s=0.0, pool_s=LONG_S))

    Store.__init__ = patient  # type: ignore[method-assign]


def _broker_stamps() -> None:
    """Let each sender stamp its records."""
    module: Any = admin
    module.BY_THE_BROKER = "CreateTime"


def _source_hold() -> None:
    """Stop at a flood, whosever it is."""
    module: Any = reader

    def stop(tx: sa.Connection, topic: str, source: str, reasons: str) -> None:
        del tx, topic
        raise Fault("dead_letter_flood", f"{source}: {reasons}")

    module.hold = stop


def _own_question() -> None:
    """Ask the log through one slot for all callers: who waited for it clears it, whoever's question it has become."""
    slot: WeakKeyDictionary[Pages, asyncio.Task[Any]] = WeakKeyDictionary()

    async def ask(self: Pages, question: Any) -> Any:  # noqa: ANN401 - as the method
        if self in slot:
            await asyncio.wait({slot[self]})
            slot[self].cancel()
        slot[self] = asyncio.create_task(self._answer(question))
        return await slot[self]

    Pages._ask = ask  # type: ignore[method-assign]


def _dropped_record() -> None:
    """Say that one hand-off was applied, and do nothing with it."""
    apply, dropped = HandoffApplier.apply, set[bytes]()

    def skipping(self: HandoffApplier, tx: sa.Connection, records: Sequence[Numbered]) -> Any:  # noqa: ANN401 - as the method
        if not dropped and records:
            dropped.add(records[0].record)
        kept = [item for item in records if item.record not in dropped]
        answers = iter(apply(self, tx, kept))
        return [None if item.record in dropped else next(answers) for item in records]

    HandoffApplier.apply = skipping  # type: ignore[method-assign]


def _applied_twice() -> None:
    """Add one event to the cells a second time."""
    add, done = Fold.add, set[int]()

    def twice(self: Fold, event: Any, stream: int, shard: int, position: int) -> None:  # noqa: ANN401 - as the method
        before = dict(self.cells)
        add(self, event, stream, shard, position)
        changed = {key: count - before.get(key, 0) for key, count in self.cells.items() if before.get(key, 0) != count}
        if changed and not done:
            done.add(position)
            for key, change in changed.items():
                self.cells[key] += change

    Fold.add = twice  # type: ignore[method-assign]


GUARDS: Final[Mapping[str, Guard]] = {
    guard.name: guard
    for guard in (
        Guard("own_place", ("stats",), "the consumer stays where the group's committed offset sends it", _own_place),
        Guard("gap_fetch", ("stats",), "the reader takes what comes for all there is", _gap_fetch),
        Guard("idle_check", ("stats",), "a quiet partition is never compared with the log's end", _idle_check),
        Guard("slicing", ("stats",), "every record of a repeated batch is taken for new", _slicing),
        Guard("compare_and_swap", ("stats",), "a reader writes its place over whatever stands there", _swap),
        Guard("producer_watchdog", ("intake",), "the relay never gives a producer up", _watchdog),
        Guard("parking", ("intake",), "a bug at one record stops the reader for ever", _parking),
        Guard("provisional_dates", ("intake",), "a limit beyond the holiday tables is refused", _provisional_dates),
        Guard("sqlstates", SERVICES, "what PostgreSQL says is taken for a bug", _sqlstates),
        Guard("bounded_waits", BRIDGES, "a bridge waits for its store as long as it takes", _bounded_waits),
        Guard("broker_stamps", SERVICES, "records are stamped by their senders", _broker_stamps),
        Guard("source_hold", ("intake",), "a flood of one source's dead letters stops the reader", _source_hold),
        Guard("own_question", ("intake",), "all questions to the log share one slot", _own_question),
        Guard("dropped_record", ("intake",), "one hand-off is called applied and is not", _dropped_record),
        Guard("applied_twice", ("stats",), "one event is added to the cells twice", _applied_twice),
    )
}
