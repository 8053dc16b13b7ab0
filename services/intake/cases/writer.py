"""Writes the changes of a unit at once.

Each table gets one statement for all of its rows, which costs less than a statement a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Final

import sqlalchemy as sa

from dispute.contracts.codec import state_to_bytes
from dispute.lifecycle import Supervision
from hub.store.instants import to_micros
from hub.store.prepared import PreparedStatement, insert_into
from hub.store.store import Transaction
from hub.streams.topics import shard_of
from services.intake.cases.matters import add_pairs
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.ports import Case, Done, DoneTable, UnitChanges
from services.intake.cases.rights import Approval, approval_to_bytes
from services.intake.cases.tables import (
    case_number,
    command_done,
    confidential,
    dispute,
    effect,
    handoff_applied,
    matter_member,
    missing_year,
)
from services.intake.law.marks import marks_to_bytes
from services.intake.law.shared_results import SharedEffect, result_to_bytes
from services.intake.law.timers import timers_to_bytes

Row = tuple[object, ...]


_of: Final[sa.BindParameter[str]] = sa.bindparam("of")
_by: Final[sa.BindParameter[str]] = sa.bindparam("by")
_content: Final[sa.BindParameter[bytes]] = sa.bindparam("content")
_CHANGE: Final = (
    sa.update(dispute)
    .where(dispute.c.dispute_id == _of)
    .values(
        sequence=sa.bindparam("upto"),
        state=sa.bindparam("now"),
        snapshot=sa.bindparam("shot"),
        timers=_content,
        rings_at=sa.bindparam("first"),
        positions=dispute.c.positions + sa.bindparam("further", type_=sa.Text),
    )
)
_is_done: Final = (command_done.c.command_id == _of, command_done.c.dispute_id == _by)


class ChangeWriter:
    """Writes changes to the tables.

    The text of its statements is made once.
    """

    def __init__(self, dialect: str) -> None:
        def prepared(statement: sa.UpdateBase, *names: str) -> PreparedStatement:
            return PreparedStatement(dialect, statement, *names)

        def all_of(table: sa.Table) -> list[str]:
            return [column.key for column in table.columns]

        done = insert_into(dialect, command_done)
        known_from_events = done.on_conflict_do_update(
            index_elements=list(command_done.primary_key),
            set_={name: done.excluded[name] for name in ("stream", "position", "recorded_at")},
            where=sa.func.length(command_done.c.digest) == sa.literal_column("0"),
        )
        self._add = prepared(sa.insert(dispute), *all_of(dispute))
        self._change = prepared(_CHANGE, "upto", "now", "shot", "further", "content", "first", "of")
        of_one = sa.update(dispute).where(dispute.c.dispute_id == _of)
        self._know, self._mark, self._supervise, self._approve = (
            prepared(of_one.values({column: _content}), "content", "of")
            for column in ("facts", "marks", "supervision", "approval")
        )
        self._seal = prepared(insert_into(dialect, confidential).on_conflict_do_nothing(), *all_of(confidential))
        self._no_years = prepared(sa.delete(missing_year).where(missing_year.c.dispute_id == _of), "of")
        self._years = prepared(sa.insert(missing_year), *all_of(missing_year))
        numbers = insert_into(dialect, case_number)
        higher = numbers.on_conflict_do_update(
            index_elements=list(case_number.primary_key),
            set_={"last": numbers.excluded.last},
            where=case_number.c.last < numbers.excluded.last,
        )
        self._number = prepared(higher, *all_of(case_number))
        members = insert_into(dialect, matter_member)
        linked = members.on_conflict_do_update(
            index_elements=list(matter_member.primary_key),
            set_={"master_dispute_id": members.excluded.master_dispute_id},
        )
        self._link = prepared(linked, *all_of(matter_member))
        self._unlink = prepared(sa.delete(matter_member).where(matter_member.c.dispute_id == _of), "of")
        self._cause = prepared(insert_into(dialect, effect).on_conflict_do_nothing(), *all_of(effect))
        self._carried_out = prepared(sa.delete(effect).where(effect.c.effect_id == _of), "of")
        self._done = prepared(sa.insert(command_done), *all_of(command_done))
        self._applied = prepared(sa.insert(handoff_applied), *all_of(handoff_applied))
        self._handed_over = prepared(sa.delete(command_done).where(*_is_done), "of", "by")
        self._resent = prepared(sa.update(command_done).where(*_is_done).values(digest=_content), "content", "of", "by")
        self._recalled = prepared(known_from_events, *all_of(command_done))

    def approve(self, tx: Transaction, approvals: Mapping[str, Approval]) -> None:
        """Write what was approved of disputes."""
        self._approve.run(tx, [(approval_to_bytes(its), dispute_id) for dispute_id, its in approvals.items()])

    def write(self, tx: Transaction, changes: UnitChanges, vault: PartyVault) -> None:
        """Write everything else, table by table."""
        done = changes.done.get(DoneTable.COMMAND, ())
        handed, again = changes.done.get(DoneTable.HANDOFF, ()), changes.resent.get(DoneTable.HANDOFF, ())
        self._number.run(tx, [(*series, last) for series, last in sorted(changes.numbers.items())])
        self._add.run(tx, [_added(case, changes) for case in changes.added.values()])
        self._change.run(tx, [_changed(case, changes.positions) for case in changes.changed.values()])
        self._know.run(tx, [(recorded, dispute_id) for dispute_id, recorded in changes.facts.items()])
        levels = changes.supervision.items()
        self._supervise.run(tx, [(_level(level), dispute_id) for dispute_id, level in levels])
        # A dispute keeps the confidential part that it has, also when keys of it were destroyed.
        self._seal.run(tx, [vault.seal(its.dispute_id, its.agency, its.parts) for its in changes.secrets])
        years = sorted(changes.missing_years.items())
        self._no_years.run(tx, [(dispute_id,) for dispute_id, _ in years if dispute_id not in changes.added])
        self._years.run(tx, [(year, dispute_id) for dispute_id, missing in years for year in sorted(missing)])
        marks = {of: marks_to_bytes(its) for of, its in changes.marks.items() if of not in changes.added}
        self._mark.run(tx, [(its, of) for of, its in marks.items()])
        add_pairs(tx, changes.marks)
        self._unlink.run(tx, [(dispute_id,) for dispute_id, master in changes.members.items() if not master])
        self._link.run(tx, [(dispute_id, master) for dispute_id, master in changes.members.items() if master])
        self._carried_out.run(tx, [(effect_id,) for effect_id in changes.carried_out])
        self._cause.run(tx, [_effect_row(each) for each in changes.effects])
        self._done.run(tx, [_done_row(each) for each in done])
        self._applied.run(tx, [(each.task_id, each.dispute_id, each.digest) for each in chain(handed, again)])
        self._handed_over.run(tx, [(each.task_id, each.dispute_id) for each in again])
        resent = changes.resent.get(DoneTable.COMMAND, ())
        self._resent.run(tx, [(each.digest, each.task_id, each.dispute_id) for each in resent])
        self._recalled.run(tx, [_done_row(each) for each in changes.recalled])


@cache
def writer_for(dialect: str) -> ChangeWriter:
    """Return the writer of a dialect.

    It holds only the text of statements, so it can be shared.
    """
    return ChangeWriter(dialect)


def _added(case: Case, changes: UnitChanges) -> Row:
    its = case.dispute
    marks = changes.marks.get(its.dispute_id)
    return (
        its.dispute_id,
        its.sequence,
        its.state.value,
        its.dimensions.channel.value,
        its.procedure,
        state_to_bytes(its),
        case.recorded,
        _listed(changes.positions[its.dispute_id]),
        None if marks is None else marks_to_bytes(marks),
        shard_of(its.dispute_id),
        *_timed(case),
        _level(its.supervision),
        its.case_code or None,
        None,  # nobody has approved anything of it
    )


def _level(of: Supervision) -> str | None:
    return None if of is Supervision.NORMAL else of.value


def _changed(case: Case, positions: Mapping[str, Sequence[int]]) -> Row:
    its = case.dispute
    further = positions.get(its.dispute_id)
    text = f",{_listed(further)}" if further else ""
    return its.sequence, its.state.value, state_to_bytes(its), text, *_timed(case), its.dispute_id


def _listed(positions: Iterable[int]) -> str:
    return ",".join(map(str, positions))


def _timed(case: Case) -> Row:
    """Return its timers, and when the first of them rings."""
    first = min((timer.rings_at for timer in case.timers.values()), default=None)
    return timers_to_bytes(case.timers), None if first is None else to_micros(first)


def _effect_row(each: SharedEffect) -> Row:
    occurred_at, recorded_at = to_micros(each.occurred_at), to_micros(each.recorded_at)
    return each.effect_id, each.dispute_id, occurred_at, recorded_at, each.sequence, result_to_bytes(each.result)


def _done_row(done: Done) -> Row:
    stream, position = (done.place.stream, done.place.position) if done.place is not None else ("", 0)
    refusal, text = done.refusal, None
    if refusal is not None:
        text = json.dumps([refusal.code, refusal.kind.value, refusal.field, refusal.detail[:500]], ensure_ascii=False)
    return done.task_id, done.dispute_id, done.digest, stream, position, text, to_micros(done.recorded_at)
