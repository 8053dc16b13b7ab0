"""The register on a database: every statement is built once and run for many rows (design D13)."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from typing_extensions import override

from hub.contracts.codec import event_to_wire, state_from_bytes, state_to_bytes
from hub.contracts.topics import HANDOFFS, shard_of
from hub.errors import Kind, Rejected
from hub.journal.outbox import Entry, Outbox
from hub.lifecycle import Event
from hub.runtime.clock import Clock
from hub.store.store import Store, Transaction
from hub.store.tables import parked
from services.intake.adapters.tables import (
    command_done,
    confidential,
    dispute,
    handoff_applied,
    open_matter,
    scenario_clock,
    timer,
)
from services.intake.adapters.vault import Vault
from services.intake.domain.timers import Timer, TimerKind
from services.intake.ports import Case, Changes, Done, Ledger, Place, Register, Units

T = TypeVar("T")
Rows = list[dict[str, Any]]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
CLOCK_ROW: Final = 1
AT_ONCE: Final = 1000
"""Ids of one `IN`; larger sets are asked for in parts."""

_ids: Final[sa.BindParameter[str]] = sa.bindparam("ids", expanding=True)
_CASES: Final = sa.select(dispute.c.dispute_id, dispute.c.procedure, dispute.c.snapshot).where(
    dispute.c.dispute_id.in_(_ids)
)
_COMMANDS: Final = sa.select(command_done).where(command_done.c.command_id.in_(_ids))
_HANDOFFS: Final = sa.select(handoff_applied).where(handoff_applied.c.handoff_id.in_(_ids))
_HOLDERS: Final = sa.select(open_matter.c.matter, open_matter.c.dispute_id).where(open_matter.c.matter.in_(_ids))
_ADD: Final = sa.insert(dispute)
_CHANGE: Final = (
    sa.update(dispute)
    .where(dispute.c.dispute_id == sa.bindparam("of"))
    .values(
        sequence=sa.bindparam("upto"),
        state=sa.bindparam("now"),
        procedure=sa.bindparam("goes_by"),
        snapshot=sa.bindparam("shot"),
    )
)
_DONE: Final = sa.insert(command_done)
_APPLIED: Final = sa.insert(handoff_applied)
_RECALLED: Final = sa.select(command_done).where(command_done.c.command_id.in_(_ids), command_done.c.digest == b"")
_RETOLD: Final = (
    sa.update(command_done)
    .where(command_done.c.command_id == sa.bindparam("of"), command_done.c.dispute_id == sa.bindparam("by"))
    .values(digest=sa.bindparam("told"))
)
_HANDED_OVER: Final = sa.delete(command_done).where(
    command_done.c.command_id == sa.bindparam("of"), command_done.c.dispute_id == sa.bindparam("by")
)
_TAKE: Final = (
    sa.update(open_matter).where(open_matter.c.matter == sa.bindparam("of")).values(dispute_id=sa.bindparam("by"))
)
_RELEASE: Final = sa.delete(open_matter).where(open_matter.c.dispute_id.in_(_ids))
_CLEAR: Final = sa.delete(timer).where(timer.c.dispute_id == sa.bindparam("of"), timer.c.kind == sa.bindparam("what"))
_parked_disputes: Final = sa.select(parked.c.key).where(parked.c.topic == HANDOFFS.name)
_due: Final = (
    sa.select(timer.c.dispute_id, timer.c.kind, timer.c.due_at)
    .where(
        timer.c.due_at <= sa.bindparam("until"),
        timer.c.shard.in_(sa.bindparam("shards", expanding=True)),
        timer.c.dispute_id.not_in(_parked_disputes),
    )
    .order_by(timer.c.due_at, timer.c.dispute_id, timer.c.kind)
    .limit(sa.bindparam("most"))
)
_STILL_DUE: Final = (
    sa.select(timer.c.dispute_id, timer.c.kind, timer.c.due_at)
    .where(timer.c.dispute_id.in_(_ids), timer.c.due_at <= sa.bindparam("until"))
    .order_by(timer.c.due_at, timer.c.dispute_id, timer.c.kind)
)


def micros(at: datetime) -> int:
    """Return microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """Return the instant of microseconds since 1970."""
    return EPOCH + value * MICROSECOND


def _parts(ids: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))


class StoreRegister(Register):
    """The register in one transaction.

    Args:
        tx: Transaction; its shard locks are held until it ends.
        outbox: Journal.
        vault: Seals confidential parts.
        clock: Wall clock, for `recorded_at`.
        dialect: `sqlite` or `postgresql`.
    """

    def __init__(self, tx: Transaction, outbox: Outbox, vault: Vault, clock: Clock, dialect: str) -> None:
        self._tx = tx
        self._outbox = outbox
        self._vault = vault
        self._recorded_at = clock.now()
        self._dialect = dialect

    @override
    def lock(self, dispute_ids: Collection[str]) -> None:
        if dispute_ids:
            self._outbox.lock(self._tx, dispute_ids)

    @override
    def done(self, ledger: Ledger, task_ids: Collection[str]) -> Mapping[str, Done]:
        if ledger is Ledger.HANDOFF:
            found = [row for ids in _parts(task_ids) for row in self._tx.execute(_HANDOFFS, {"ids": ids})]
            done = {
                row.handoff_id: Done(row.handoff_id, row.dispute_id, row.digest, None, None, EPOCH) for row in found
            }
            # What a recovery knows from events alone stands in the other ledger until the hand-off is read again.
            left = set(task_ids) - done.keys()
            recalled = [row for ids in _parts(left) for row in self._tx.execute(_RECALLED, {"ids": ids})]
            return done | {row.command_id: _done_of(row) for row in recalled}
        rows = [row for ids in _parts(task_ids) for row in self._tx.execute(_COMMANDS, {"ids": ids})]
        return {row.command_id: _done_of(row) for row in rows}

    @override
    def cases(self, dispute_ids: Collection[str]) -> dict[str, Case]:
        rows = [row for ids in _parts(dispute_ids) for row in self._tx.execute(_CASES, {"ids": ids})]
        return {row.dispute_id: Case(state_from_bytes(row.snapshot), row.procedure) for row in rows}

    @override
    def claim(self, matters: Mapping[str, str]) -> Mapping[str, str]:
        # In ascending order, and before anything is released: two workers can't wait for each other in a ring.
        rows = [{"matter": matter, "dispute_id": matters[matter]} for matter in sorted(matters)]
        self._tx.execute(self._insert(open_matter).on_conflict_do_nothing(), rows)
        return {
            row.matter: row.dispute_id for ids in _parts(matters) for row in self._tx.execute(_HOLDERS, {"ids": ids})
        }

    @override
    def record_of(self, event: Event) -> bytes:
        record = event_to_wire(event, self._recorded_at).SerializeToString()
        self._outbox.check_size(record)
        return record

    @override
    def append(self, records: Sequence[tuple[str, bytes]]) -> Sequence[Place]:
        written = self._outbox.append(self._tx, [Entry(key, record) for key, record in records])
        return [Place(str(each.stream), each.position) for each in written]

    @override
    def write(self, changes: Changes) -> None:
        self._many(_ADD, [_added(case) for case in changes.added.values()])
        self._many(_CHANGE, [_changed(case) for case in changes.changed.values()])
        # A dispute that has its confidential part keeps it, also when the key in it was destroyed.
        self._many(
            self._insert(confidential).on_conflict_do_nothing(),
            [self._sealed(each.dispute_id, each.agency, each.content) for each in changes.secrets],
        )
        self._many(_CLEAR, [{"of": dispute_id, "what": kind.value} for dispute_id, kind in sorted(changes.cleared)])
        if changes.timers:
            insert = self._insert(timer)
            upsert = insert.on_conflict_do_update(
                index_elements=[timer.c.dispute_id, timer.c.kind], set_={"due_at": insert.excluded.due_at}
            )
            self._tx.execute(upsert, [_timer_row(each) for each in changes.timers.values()])
        self._many(_TAKE, [{"of": matter, "by": by} for matter, by in sorted(changes.taken.items())])
        for ids in _parts(changes.released):
            self._tx.execute(_RELEASE, {"ids": ids})
        self._many(_DONE, [_done_row(each) for each in changes.done.get(Ledger.COMMAND, ())])
        self._many(
            _APPLIED,
            [
                {"handoff_id": each.task_id, "dispute_id": each.dispute_id, "digest": each.digest}
                for each in (*changes.done.get(Ledger.HANDOFF, ()), *changes.retold.get(Ledger.HANDOFF, ()))
            ],
        )
        self._many(_HANDED_OVER, [_key(each) for each in changes.retold.get(Ledger.HANDOFF, ())])
        self._many(_RETOLD, [_key(each) | {"told": each.digest} for each in changes.retold.get(Ledger.COMMAND, ())])
        if changes.recalled:
            insert = self._insert(command_done)
            moved = {name: insert.excluded[name] for name in ("stream", "position", "recorded_at")}
            unknown = command_done.c.digest == b""
            upsert = insert.on_conflict_do_update(
                index_elements=[command_done.c.command_id, command_done.c.dispute_id], set_=moved, where=unknown
            )
            self._tx.execute(upsert, [_done_row(each) for each in changes.recalled])

    @override
    def due(self, now: datetime, shards: Collection[int], limit: int) -> Sequence[Timer]:
        until = micros(now)
        while True:
            # First without a lock, to learn the shards; then their heads, as every writer does; then what is left.
            found = self._tx.execute(_due, {"until": until, "shards": sorted(shards), "most": limit}).all()
            ids = {row.dispute_id for row in found}
            self.lock(ids)
            wanted = {(row.dispute_id, row.kind) for row in found}
            still = [row for part in _parts(ids) for row in self._tx.execute(_STILL_DUE, {"ids": part, "until": until})]
            ordered = sorted(still, key=lambda row: (row.due_at, row.dispute_id, row.kind))
            timers = [
                Timer(row.dispute_id, TimerKind(row.kind), instant(row.due_at))
                for row in ordered
                if (row.dispute_id, row.kind) in wanted
            ]
            # Nothing left of what was found: another worker fired these. There may be more behind them.
            if timers or not found:
                return timers

    @override
    def now(self) -> datetime:
        return clock_in(self._tx)

    @override
    def move_clock(self, to: datetime) -> datetime:
        insert = self._insert(scenario_clock)
        upsert = insert.on_conflict_do_update(
            index_elements=[scenario_clock.c.id],
            set_={"now_at": insert.excluded.now_at},
            where=scenario_clock.c.now_at < insert.excluded.now_at,
        )
        self._tx.execute(upsert, [{"id": CLOCK_ROW, "now_at": micros(to)}])
        return self.now()

    def _many(self, statement: sa.Executable, rows: Rows) -> None:
        if rows:
            self._tx.execute(statement, rows)

    def _insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self._dialect == "sqlite" else postgresql.insert(table)

    def _sealed(self, dispute_id: str, agency: str, content: bytes) -> dict[str, Any]:
        sealed = self._vault.seal(dispute_id, agency, content)
        return {
            "dispute_id": dispute_id,
            "agency": agency,
            "wrapped_key": sealed.wrapped_key,
            "nonce": sealed.nonce,
            "ciphertext": sealed.ciphertext,
        }


class StoreUnits(Units):
    """Runs units on the store's writer."""

    def __init__(self, store: Store, bind: Callable[[Transaction], Register]) -> None:
        self._store = store
        self._bind = bind

    @override
    async def write(self, unit: Callable[[Register], T]) -> T:
        return await self._store.write(lambda tx: unit(self._bind(tx)))


def clock_in(tx: Transaction) -> datetime:
    """Return the scenario clock; the beginning of 1970 before it was moved."""
    value = tx.scalar(sa.select(scenario_clock.c.now_at).where(scenario_clock.c.id == CLOCK_ROW))
    return instant(value or 0)


def applied_in(tx: Transaction) -> int:
    """Count the hand-offs that were applied, by their own rows."""
    return tx.scalar(sa.select(sa.func.count()).select_from(handoff_applied)) or 0


def _added(case: Case) -> dict[str, Any]:
    return {
        "dispute_id": case.dispute.dispute_id,
        "sequence": case.dispute.sequence,
        "state": case.dispute.state.value,
        "channel": case.dispute.dimensions.channel.value,
        "procedure": case.procedure,
        "snapshot": state_to_bytes(case.dispute),
    }


def _changed(case: Case) -> dict[str, Any]:
    return {
        "of": case.dispute.dispute_id,
        "upto": case.dispute.sequence,
        "now": case.dispute.state.value,
        "goes_by": case.procedure,
        "shot": state_to_bytes(case.dispute),
    }


def _timer_row(each: Timer) -> dict[str, Any]:
    return {
        "dispute_id": each.dispute_id,
        "kind": each.kind.value,
        "shard": shard_of(each.dispute_id),
        "due_at": micros(each.due_at),
    }


def _done_row(done: Done) -> dict[str, Any]:
    refusal = done.refusal
    text = None
    if refusal is not None:
        text = json.dumps([refusal.code, refusal.kind.value, refusal.field, refusal.detail[:500]], ensure_ascii=False)
    return {
        "command_id": done.task_id,
        "dispute_id": done.dispute_id,
        "digest": done.digest,
        "stream": done.place.stream if done.place is not None else "",
        "position": done.place.position if done.place is not None else 0,
        "refusal": text,
        "recorded_at": micros(done.recorded_at),
    }


def _key(done: Done) -> dict[str, Any]:
    return {"of": done.task_id, "by": done.dispute_id}


def _done_of(row: sa.Row[Any]) -> Done:
    refusal = None
    if row.refusal is not None:
        code, kind, field, detail = json.loads(row.refusal)
        refusal = Rejected(code, detail, kind=Kind(kind), field=field)
    place = Place(row.stream, row.position) if row.stream else None
    return Done(row.command_id, row.dispute_id, bytes(row.digest), place, refusal, instant(row.recorded_at))
