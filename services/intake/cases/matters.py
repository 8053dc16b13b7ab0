"""Keeps the pairs of disputes, finds those of one matter, and reads their links.

One statement serves all records of a unit. On PostgreSQL the order is `lock_pairs`, `candidates`, `add_pairs`, so that
two workers which register one matter at once see each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Final

import sqlalchemy as sa
from typing_extensions import override

from hub.store.prepared import LookupStatement, PreparedStatement, among, insert_into
from hub.store.store import Transaction
from services.intake.cases.ports import StoredLinks
from services.intake.cases.tables import dispute, match_lock, match_pair, matter_member
from services.intake.law.marks import Marks, marks_from_bytes

CANDIDATES_MOST: Final = 50
"""Disputes of one pair that are compared, the newest by their receipt: more of them would make a record slow that
names, as many do, an organisation and a number that stands for "unknown"."""


class MatterLinks(StoredLinks):
    """Links between disputes as they are stored."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @override
    def masters_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        return self._read(_links(self._tx.dialect.name)[0], dispute_ids)

    @override
    def members_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        return self._read(_links(self._tx.dialect.name)[1], dispute_ids)

    def _read(self, links: LookupStatement, ids: Iterable[str]) -> Mapping[str, str]:
        return {row.dispute_id: row.master_dispute_id for row in links.rows(self._tx, ids)}


def lock_pairs(tx: Transaction, tokens: Collection[str]) -> None:
    """Take turns with other workers at these pairs.

    Until the transaction ends. Call it once in a transaction, after the locks of the shards: in ascending order, which
    rules out a deadlock. SQLite has one writer, so there it does nothing.
    """
    if tx.dialect.name == "postgresql":
        _lock().run(tx, [(token,) for token in sorted(set(tokens))])


def add_pairs(tx: Transaction, rows: Mapping[str, Marks]) -> None:
    """Have disputes found by the pairs of their marks; pairs that are there already stay."""
    # In the order of the tokens, which is that of the tree.
    pairs = sorted((token, of, marks.received_on.isoformat()) for of, marks in rows.items() for token in marks.pairs)
    _pairs(tx.dialect.name).run(tx, pairs)


def candidates(tx: Transaction, tokens: Iterable[str]) -> dict[str, Marks]:
    """Return the disputes that share a pair with these tokens.

    For each token at most `CANDIDATES_MOST`, the newest. With the tokens of many records it returns the candidates of
    all: which record shares a pair with which is for the caller to see from `Marks.pairs`.
    """
    return {row.dispute_id: marks_from_bytes(row.marks) for row in _newest(tx.dialect.name).rows(tx, tokens)}


@cache
def _newest(dialect: str) -> LookupStatement:
    pair = match_pair.c
    newest_first = (pair.received_on.desc(), pair.dispute_id.desc())
    rank = sa.func.row_number().over(partition_by=pair.token, order_by=newest_first).label("rank")
    ranked = sa.select(pair.dispute_id, rank).where(among(dialect, pair.token)).subquery()
    near = sa.select(ranked.c.dispute_id).where(ranked.c.rank <= sa.literal_column(str(CANDIDATES_MOST)))
    return LookupStatement(
        dialect, sa.select(dispute.c.dispute_id, dispute.c.marks).where(dispute.c.dispute_id.in_(near))
    )


@cache
def _links(dialect: str) -> tuple[LookupStatement, LookupStatement]:
    """Return the lookups of links by member and by master."""
    link = matter_member.c
    return (
        LookupStatement(dialect, sa.select(matter_member).where(among(dialect, link.dispute_id))),
        LookupStatement(dialect, sa.select(matter_member).where(among(dialect, link.master_dispute_id))),
    )


@cache
def _lock() -> PreparedStatement:
    insert = insert_into("postgresql", match_lock)
    # An update locks the row of a known pair too; `do nothing` would pass it by.
    locking = insert.on_conflict_do_update(index_elements=[match_lock.c.token], set_={"token": insert.excluded.token})
    return PreparedStatement("postgresql", locking, "token")


@cache
def _pairs(dialect: str) -> PreparedStatement:
    pairs = insert_into(dialect, match_pair).on_conflict_do_nothing()
    return PreparedStatement(dialect, pairs, "token", "dispute_id", "received_on")
