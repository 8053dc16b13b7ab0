"""Reads the recorded inputs of disputes from a snapshot of the store."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from msgspec import Struct

from dispute.contracts.codec import instant_of
from dispute.lifecycle import business_day
from dispute.wire.journal.v1 import journal_pb2
from hub.store.instants import EPOCH, from_micros
from hub.store.store import Transaction
from services.intake.cases.own_events import events_of
from services.intake.cases.ports import Case
from services.intake.cases.register import CASES, case_of, clock_in
from services.intake.cases.tables import clock_move, command_done, dispute

PAGE: Final = 400
"""Disputes that are read at once."""
Message = journal_pb2.JournalEvent

_CASES: Final = CASES.order_by(dispute.c.dispute_id)
_ROWS: Final = _CASES.where(dispute.c.dispute_id > sa.bindparam("after")).limit(PAGE)
_NAMED: Final = _CASES.where(dispute.c.dispute_id.in_(sa.bindparam("ids", expanding=True)))
_REFUSED: Final = (
    sa.select(command_done.c.dispute_id, sa.func.count().label("refused"))
    .where(command_done.c.refusal.is_not(None))
    .group_by(command_done.c.dispute_id)
)


class Window(Struct, frozen=True):
    """Days of registration that are looked at, [first, until)."""

    first: date
    until: date

    def holds(self, case: Case) -> bool:
        """Tell whether a case was registered in it."""
        return self.first <= business_day(case.dispute.registered_at) < self.until


class Chronology(Struct, frozen=True):
    """By which business time things were written, and when limits rang.

    Attributes:
        kind: Clock of the limits.
        now: It now.
        grace: How late a limit rings by the wall clock.
        moves: Positions of the scenario clock, ascending.
        moved: When it was moved there, by the wall clock.
    """

    kind: Literal["wall", "scenario"]
    now: datetime
    grace: timedelta = timedelta(0)
    moves: tuple[datetime, ...] = ()
    moved: tuple[datetime, ...] = ()

    def written(self, recorded_at: datetime) -> datetime:
        """Return the business time of a record."""
        if self.kind == "wall":
            return recorded_at
        known = bisect_right(self.moved, recorded_at)
        return self.moves[known - 1] if known else EPOCH

    def ring(self, rings_at: datetime, after: datetime) -> datetime | None:
        """Return when a timer rings, after a business time; None when it has not rung yet.

        By the scenario clock timers ring when it is moved.
        """
        if self.kind == "wall":
            at = max(rings_at + self.grace, after)
            return at if at <= self.now else None
        number = max(bisect_left(self.moves, rings_at), bisect_right(self.moves, after))
        return self.moves[number] if number < len(self.moves) else None


class RecordedCase(Struct, frozen=True):
    """A case and its events, in order, as messages."""

    case: Case
    events: tuple[Message, ...]


def chronology_of(tx: Transaction, kind: Literal["wall", "scenario"], now: datetime, grace: timedelta) -> Chronology:
    """Return the chronology of a store.

    Args:
        tx: Its snapshot.
        kind: Clock of the limits; a store whose scenario clock was moved goes by that one in any case.
        now: Wall clock.
        grace: How late a limit rings by it.
    """
    rows = tx.execute(sa.select(clock_move).order_by(clock_move.c.now_at)).all()
    if kind == "wall" and not rows:
        return Chronology(kind, now, grace)
    moves, moved = ([from_micros(row[column]) for row in rows] for column in (0, 1))
    return Chronology("scenario", clock_in(tx), timedelta(0), tuple(moves), tuple(moved))


def refused_in(tx: Transaction) -> dict[str, int]:
    """Return how many commands of each dispute were refused; their content is not kept."""
    return {row.dispute_id: row.refused for row in tx.execute(_REFUSED)}


def pages(tx: Transaction, window: Window, progress: Callable[[int, int], None]) -> Iterator[Sequence[RecordedCase]]:
    """Yield the cases of a window, page by page.

    Args:
        tx: Snapshot of the store.
        window: Days of registration.
        progress: Gets the disputes looked at, and their number.
    """
    total, done, after = tx.scalar(sa.select(sa.func.count()).select_from(dispute)) or 0, 0, ""
    progress(done, total)
    while rows := tx.execute(_ROWS, {"after": after}).all():
        after, done = rows[-1].dispute_id, done + len(rows)
        cases = {row.dispute_id: case for row in rows if window.holds(case := case_of(row))}
        if cases:
            yield _with_events(tx, cases)
        progress(done, total)


def pages_of(tx: Transaction, dispute_ids: Sequence[str]) -> Iterator[Sequence[RecordedCase]]:
    """Yield some cases, page by page."""
    for at in range(0, len(dispute_ids), PAGE):
        rows = tx.execute(_NAMED, {"ids": dispute_ids[at : at + PAGE]})
        yield _with_events(tx, {row.dispute_id: case_of(row) for row in rows})


def _with_events(tx: Transaction, cases: Mapping[str, Case]) -> Sequence[RecordedCase]:
    events = events_of(tx, list(cases))
    return [RecordedCase(case, events[key]) for key, case in cases.items()]


def written_at(message: Message, chronology: Chronology) -> datetime:
    """Return the business time at which an event was written down."""
    return chronology.written(instant_of(message.recorded_at))
