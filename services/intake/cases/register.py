"""The register on a database.

Every statement is built once and run for many rows, to save time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from typing_extensions import override

from dispute.contracts.codec import event_to_wire, state_from_bytes
from dispute.contracts.topics import HANDOFFS
from dispute.lifecycle import Event
from hub.errors import Kind, Refusal
from hub.runtime.clock import Clock
from hub.store.instants import EPOCH, from_micros, to_micros
from hub.store.prepared import LookupStatement, PreparedStatement, among, insert_into, parts
from hub.store.store import Store, Transaction
from hub.store.tables import parked
from hub.streams.outbox import Entry, Heads, Outbox
from services.intake.cases.case_numbers import lock_last
from services.intake.cases.matters import MatterLinks, candidates, lock_pairs
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.ports import Case, DisputeRegister, Done, DoneTable, EventPlace, Series, UnitChanges, Units
from services.intake.cases.rights import Approval, approval_from_bytes
from services.intake.cases.sealed_exits import SealedExits
from services.intake.cases.tables import (
    clock_move,
    command_done,
    dispute,
    effect,
    handoff_applied,
    missing_year,
    scenario_clock,
)
from services.intake.cases.writer import writer_for
from services.intake.law.marks import Marks
from services.intake.law.ringing import next_to_ring
from services.intake.law.shared_results import SharedEffect, result_from_bytes
from services.intake.law.timers import Timer, timers_from_bytes

T = TypeVar("T")

CLOCK_ROW: Final = 1

_ids: Final[sa.BindParameter[str]] = sa.bindparam("ids", expanding=True)
CASES: Final = sa.select(
    dispute.c.dispute_id, dispute.c.procedure, dispute.c.snapshot, dispute.c.facts, dispute.c.timers, dispute.c.approval
)
"""What `case_of` reads."""
_NOW: Final = sa.select(scenario_clock.c.now_at).where(scenario_clock.c.id == sa.literal_column(str(CLOCK_ROW)))
_EFFECTS: Final = (
    sa.select(effect).order_by(effect.c.recorded_at, effect.c.sequence, effect.c.effect_id).limit(sa.bindparam("most"))
)
_parked_disputes: Final = sa.select(parked.c.key).where(parked.c.topic == HANDOFFS.name)
_DUE: Final = (
    sa.select(dispute.c.dispute_id)
    .where(
        dispute.c.rings_at <= sa.bindparam("until"),
        dispute.c.shard.in_(sa.bindparam("shards", expanding=True)),
        dispute.c.dispute_id.not_in(_parked_disputes),
    )
    .order_by(dispute.c.rings_at)
    .limit(sa.bindparam("most"))
)
_YEARS: Final = sa.select(missing_year.c.year).distinct()
_WAITING: Final = (
    sa.select(missing_year.c.dispute_id)
    .distinct()
    .where(
        missing_year.c.year.in_(sa.bindparam("years", expanding=True)),
        missing_year.c.dispute_id > sa.bindparam("after"),
    )
    .order_by(missing_year.c.dispute_id)
    .limit(sa.bindparam("most"))
)
_STILL_DUE: Final = sa.select(dispute.c.dispute_id, dispute.c.timers).where(
    dispute.c.dispute_id.in_(_ids), dispute.c.rings_at <= sa.bindparam("until")
)


class _Lookups(Struct, frozen=True):
    """What every unit looks up."""

    cases: LookupStatement
    commands: LookupStatement
    handoffs: LookupStatement


@cache
def _lookups_for(dialect: str) -> _Lookups:
    return _Lookups(
        LookupStatement(dialect, CASES.where(among(dialect, dispute.c.dispute_id))),
        LookupStatement(dialect, sa.select(command_done).where(among(dialect, command_done.c.command_id))),
        LookupStatement(dialect, sa.select(handoff_applied).where(among(dialect, handoff_applied.c.handoff_id))),
    )


@cache
def _now(dialect: str) -> PreparedStatement:
    return PreparedStatement(dialect, _NOW)


class StoreRegister(DisputeRegister):
    """The register in one transaction.

    Args:
        tx: Transaction; its shard locks are held until it ends.
        outbox: Journal.
        vault: Seals confidential parts.
        clock: Wall clock, for `recorded_at`.
        clock_kind: By which clock limits pass.
        exits: Seals accusations.
    """

    def __init__(
        self,
        tx: Transaction,
        outbox: Outbox,
        vault: PartyVault,
        clock: Clock,
        clock_kind: Literal["wall", "scenario"],
        *,
        exits: SealedExits,
    ) -> None:
        self._tx = tx
        self._outbox = outbox
        self._vault = vault
        self._exits = exits
        self._recorded_at = clock.now()
        self._kind = clock_kind
        self._dialect = tx.dialect.name
        self._writer = writer_for(self._dialect)
        self._lookups = _lookups_for(self._dialect)
        self._links = MatterLinks(tx)
        self._held: Heads = {}

    @override
    def lock(self, dispute_ids: Collection[str]) -> None:
        if dispute_ids:
            self._held = {**self._held, **self._outbox.lock(self._tx, dispute_ids)}

    @override
    def done(self, ledger: DoneTable, task_ids: Collection[str]) -> Mapping[str, Done]:
        if ledger is DoneTable.HANDOFF:
            done = {
                row.handoff_id: Done(row.handoff_id, row.dispute_id, bytes(row.digest), None, None, EPOCH)
                for row in self._lookups.handoffs.rows(self._tx, task_ids)
            }
            # What a recovery knows only from events is in the other ledger until the hand-off is read again.
            recalled = self._lookups.commands.rows(self._tx, set(task_ids) - done.keys())
            return done | {row.command_id: _done_of(row) for row in recalled if not row.digest}
        return {row.command_id: _done_of(row) for row in self._lookups.commands.rows(self._tx, task_ids)}

    @override
    def cases(self, dispute_ids: Collection[str]) -> dict[str, Case]:
        return {row.dispute_id: case_of(row) for row in self._lookups.cases.rows(self._tx, dispute_ids)}

    @override
    def lock_pairs(self, tokens: Collection[str]) -> None:
        lock_pairs(self._tx, tokens)

    @override
    def last_numbers(self, wanted: Collection[Series]) -> Mapping[Series, int]:
        return lock_last(self._tx, wanted)

    @override
    def candidates(self, tokens: Collection[str]) -> Mapping[str, Marks]:
        return candidates(self._tx, tokens)

    @override
    def masters_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        return self._links.masters_of(dispute_ids)

    @override
    def members_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        return self._links.members_of(dispute_ids)

    @override
    def effects(self, limit: int) -> Sequence[SharedEffect]:
        while True:
            # As with timers: read, lock, and read again what another worker may have carried out meanwhile.
            found = self._tx.execute(_EFFECTS, {"most": limit}).all()
            self.lock({row.dispute_id for row in found})
            wanted = {row.effect_id for row in found}
            still = [row for row in self._tx.execute(_EFFECTS, {"most": limit}) if row.effect_id in wanted]
            if still or not found:
                return [_effect_of(row) for row in still]

    @override
    def record_of(self, event: Event) -> bytes:
        record = event_to_wire(event, self._recorded_at).SerializeToString()
        self._outbox.check_size(record)
        return record

    @override
    def append(self, records: Sequence[tuple[str, bytes]]) -> Sequence[EventPlace]:
        written = self._outbox.append(self._tx, [Entry(key, record) for key, record in records], self._held)
        self._held = {}
        names = {stream: str(stream) for stream in {each.stream for each in written}}
        return [EventPlace(names[each.stream], each.position) for each in written]

    @override
    def write(self, changes: UnitChanges) -> None:
        self._writer.write(self._tx, changes, self._vault)
        self._exits.keep(self._tx, changes.accusations, self._recorded_at)

    @override
    def approve(self, approvals: Mapping[str, Approval]) -> None:
        self._writer.approve(self._tx, approvals)

    @override
    def due(self, now: datetime, shards: Collection[int], limit: int) -> Sequence[Timer]:
        until = to_micros(now)
        while True:
            # First read without a lock, to learn the shards; then lock their heads, as every writer does; then read
            # again.
            found = self._tx.scalars(_DUE, {"until": until, "shards": sorted(shards), "most": limit}).all()
            self.lock(found)
            still = (row for ids in parts(found) for row in self._tx.execute(_STILL_DUE, {"ids": ids, "until": until}))
            waiting = (timers_from_bytes(row.dispute_id, row.timers) for row in still)
            timers = [timer for its in waiting for timer in next_to_ring(its.values())]
            # None of those found is left: another worker fired them. There may be more after them.
            if timers or not found:
                return sorted(timers, key=lambda timer: (timer.rings_at, timer.due_at, timer.dispute_id))

    @override
    def missing_years(self) -> frozenset[int]:
        return frozenset(self._tx.scalars(_YEARS))

    @override
    def waiting_for(self, years: Collection[int], after: str, limit: int) -> Sequence[str]:
        return list(self._tx.scalars(_WAITING, {"years": sorted(years), "after": after, "most": limit}))

    @override
    def business_now(self) -> datetime:
        return limits_now(self._tx, self._kind, self._recorded_at)

    @override
    def scenario_now(self) -> datetime | None:
        return None if self._kind == "wall" else self.now()

    @override
    def now(self) -> datetime:
        return clock_in(self._tx)

    @override
    def move_clock(self, to: datetime) -> datetime:
        insert = insert_into(self._dialect, scenario_clock)
        upsert = insert.on_conflict_do_update(
            index_elements=[scenario_clock.c.id],
            set_={"now_at": insert.excluded.now_at},
            where=scenario_clock.c.now_at < insert.excluded.now_at,
        )
        self._tx.execute(upsert, [{"id": CLOCK_ROW, "now_at": to_micros(to)}])
        moved = insert_into(self._dialect, clock_move).on_conflict_do_nothing()
        now = self.now()
        self._tx.execute(moved, [{"now_at": to_micros(now), "moved_at": to_micros(self._recorded_at)}])
        return now


class StoreUnits(Units):
    """Runs units on the store's writer."""

    def __init__(self, store: Store, bind: Callable[[Transaction], DisputeRegister]) -> None:
        self._store = store
        self._bind = bind

    @override
    async def write(self, unit: Callable[[DisputeRegister], T]) -> T:
        return await self._store.write(lambda tx: unit(self._bind(tx)))


def clock_in(tx: Transaction) -> datetime:
    """Return the scenario clock.

    The beginning of 1970 before it was moved.
    """
    return from_micros(_now(tx.dialect.name).value(tx, ()) or 0)


def limits_now(tx: Transaction, kind: Literal["wall", "scenario"], wall: datetime) -> datetime:
    """Return the time by which limits pass: the wall clock's, or the scenario's."""
    return wall if kind == "wall" else clock_in(tx)


def effects_left(tx: Transaction) -> bool:
    """Tell whether an effect waits to be carried out."""
    return tx.scalar(sa.select(sa.literal(1)).select_from(effect).limit(1)) is not None


def applied_in(tx: Transaction) -> int:
    """Count the hand-offs applied, by their rows."""
    return tx.scalar(sa.select(sa.func.count()).select_from(handoff_applied)) or 0


def case_of(row: Any) -> Case:  # noqa: ANN401 - a row of a statement
    """Return the case of a row with its snapshot, its procedure, its facts and its timers."""
    its = state_from_bytes(row.snapshot)
    if row.procedure and not its.procedure:
        # An earlier release kept the procedure beside the state.
        its = replace(its, procedure=row.procedure)
    timers = timers_from_bytes(row.dispute_id, row.timers)
    return Case(its, bytes(row.facts), timers, approval_from_bytes(row.approval))


def _effect_of(row: sa.Row[Any]) -> SharedEffect:
    occurred_at, recorded_at = from_micros(row.occurred_at), from_micros(row.recorded_at)
    result = result_from_bytes(row.result)
    return SharedEffect(row.effect_id, row.dispute_id, occurred_at, recorded_at, row.sequence, result)


def _done_of(row: sa.Row[Any]) -> Done:
    refusal = None
    if row.refusal is not None:
        code, kind, field, detail = json.loads(row.refusal)
        refusal = Refusal(code, detail, Kind(kind), field)
    place = EventPlace(row.stream, row.position) if row.stream else None
    return Done(row.command_id, row.dispute_id, bytes(row.digest), place, refusal, from_micros(row.recorded_at))
