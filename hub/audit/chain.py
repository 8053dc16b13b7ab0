"""The chain of audit entries.

Each hash covers the one before, the position and the entry: a changed, missing, added or swapped entry breaks the chain
at its place. The head stands in a row of its own, and is printed by `verify` to be kept elsewhere: whoever can rewrite
the whole store can rewrite the chain, but not what was written down outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from msgspec import MsgspecError, Struct, json

from hub.audit.tables import audit_entry, audit_head
from hub.store.instants import to_micros
from hub.store.prepared import PreparedStatement, insert_into
from hub.store.store import Transaction

THE_HEAD: Final = 1
GENESIS: Final = bytes(32)
PAGE: Final = 1000
BATCH: Final = 5000
"""Entries that one transaction forgets at most: who writes to the chain waits for its end."""
_E: Final = audit_entry.c
_encode: Final = json.Encoder(order="deterministic").encode
_NEXT: Final = (
    sa.select(audit_entry).where(_E.position > sa.bindparam("after")).order_by(_E.position).limit(sa.bindparam("most"))
)
_REACH: Final = sa.and_(_E.position > sa.bindparam("base"), _E.position <= sa.bindparam("upto"))
_KEPT: Final = (
    sa.select(_E.position)
    .where(_REACH, _E.at >= sa.bindparam("before"))
    .order_by(_E.position)
    .limit(sa.literal_column("1"))
)
_LAST: Final = sa.select(_E.position, _E.hash).where(_REACH).order_by(_E.position.desc()).limit(sa.literal_column("1"))
_HEAD: Final = sa.select(audit_head).where(audit_head.c.id == sa.literal_column(str(THE_HEAD)))


class AuditEntry(Struct, frozen=True, omit_defaults=True):
    """One act of a caller; nothing of a person whom it concerns.

    Attributes:
        at: When it was asked.
        call: RPC, REST route or command of the command line.
        credential_id: Of the credential; empty when none was valid.
        holder: Pseudonym of the caller.
        role: Its role.
        purpose: Stated purpose of a look at a person's data.
        about: Disputes and commands that it concerns, by id.
        denied: Code of the refusal; empty when it was allowed.
        correlation_id: Of the request.
        address: Where the call came from, of one that was denied.
        count: How many like it this entry stands for: a flood of denied calls is one entry a moment.
    """

    at: datetime
    call: str
    credential_id: str = ""
    holder: str = ""
    role: str = ""
    purpose: str = ""
    about: tuple[str, ...] = ()
    denied: str = ""
    correlation_id: str = ""
    address: str = ""
    count: int = 1


class ChainEnd(Struct, frozen=True):
    """Where the chain ends: keep it elsewhere, and a later `verify` proves that nothing before it was rewritten."""

    position: int
    hash: str


class ChainBreak(Struct, frozen=True):
    """Where a chain is broken.

    Attributes:
        position: Of the first entry that does not fit.
        why: missing | changed | added | head.
    """

    position: int
    why: str


_decode: Final = json.Decoder(AuditEntry).decode


class _Statements(Struct, frozen=True):
    """What every unit with an entry runs."""

    end: PreparedStatement
    add: PreparedStatement
    move: PreparedStatement


@cache
def _statements(dialect: str) -> _Statements:
    its = audit_head.c.id == sa.literal_column(str(THE_HEAD))
    moved: dict[str, Any] = {"position": sa.bindparam("end"), "hash": sa.bindparam("running")}
    return _Statements(
        PreparedStatement(dialect, sa.select(audit_head.c.position, audit_head.c.hash).where(its).with_for_update()),
        PreparedStatement(dialect, sa.insert(audit_entry), *(column.key for column in audit_entry.columns)),
        PreparedStatement(dialect, sa.update(audit_head).where(its).values(moved), "end", "running"),
    )


def append(tx: Transaction, entries: Sequence[AuditEntry]) -> ChainEnd:
    """Add entries to the chain, in order; call it last in a transaction: the head's row is locked until it ends."""
    statements = _statements(tx.dialect.name)
    position, hashed = statements.end.first(tx, ())
    running = bytes(hashed)
    rows: list[tuple[object, ...]] = []
    for entry in entries:
        content = _encode(entry)
        position += 1
        running = _extended(running, position, content)
        rows.append((position, to_micros(entry.at), content, running))
    statements.add.run(tx, rows)
    statements.move.run(tx, [(position, running)])
    return ChainEnd(position, running.hex())


def begin(tx: Transaction) -> None:
    """Begin the chain in a new store; in an old one nothing happens."""
    row = {"id": THE_HEAD, "base_position": 0, "base_hash": GENESIS, "position": 0, "hash": GENESIS}
    tx.execute(insert_into(tx.dialect.name, audit_head).values(**row).on_conflict_do_nothing())


def entries(tx: Transaction, after: int = 0) -> Iterator[tuple[int, AuditEntry]]:
    """Yield the entries after a position, in order."""
    while rows := tx.execute(_NEXT, {"after": after, "most": PAGE}).all():
        for row in rows:
            yield row.position, _decode(row.content)
        after = rows[-1].position


def verify(tx: Transaction, known: ChainEnd | None = None) -> ChainEnd | ChainBreak:
    """Return where the chain ends, or where it is broken.

    Args:
        tx: Snapshot of the store.
        known: An earlier end, kept elsewhere; a chain that does not go through it was rewritten. One before the oldest
            entry proves nothing any more.
    """
    head = tx.execute(_HEAD).one()
    position, running = head.base_position, bytes(head.base_hash)
    if known is not None and position == known.position and running.hex() != known.hash:
        return ChainBreak(position, "changed")
    while rows := tx.execute(_NEXT, {"after": position, "most": PAGE}).all():
        for row in rows:
            fits = row.position == position + 1
            following = _following(running, row) if fits else None
            if following is None:
                return ChainBreak(position + 1, "changed" if fits else "missing")
            position, running = row.position, following
            if known is not None and position == known.position and running.hex() != known.hash:
                return ChainBreak(position, "changed")
    if (position, running) != (head.position, bytes(head.hash)):
        return ChainBreak(min(position, head.position) + 1, "missing" if position < head.position else "added")
    if known is not None and known.position > position:
        return ChainBreak(position + 1, "missing")
    return ChainEnd(position, running.hex())


def size(tx: Transaction) -> int:
    """Return how many entries the chain has: the difference of its ends, so that nothing is counted one by one."""
    head = tx.execute(_HEAD).one()
    return int(head.position - head.base_position)


def prune(tx: Transaction, before: datetime, most: int = BATCH) -> int:
    """Forget the oldest entries; the chain then begins after them. Call it again until it forgets none.

    Args:
        tx: Of the store; the head's row is locked until it ends.
        before: An entry of this instant or later stays, and all after it.
        most: No more than so many at once. A hole of more entries is not passed, so that `verify` goes on finding it.

    Returns:
        How many were forgotten.
    """
    head = tx.execute(_HEAD.with_for_update()).one()
    reach = {"base": head.base_position, "upto": head.base_position + most}
    kept = tx.scalar(_KEPT, reach | {"before": to_micros(before)})
    last = tx.execute(_LAST, reach if kept is None else reach | {"upto": kept - 1}).first()
    if last is None:
        return 0
    base = {"base_position": last.position, "base_hash": last.hash}
    tx.execute(sa.update(audit_head).where(audit_head.c.id == THE_HEAD).values(**base))
    return tx.execute(sa.delete(audit_entry).where(_E.position <= last.position)).rowcount


def _following(running: bytes, row: sa.Row[Any]) -> bytes | None:
    """Return the hash up to a row; None when the row is not what was written, whatever it is instead."""
    if not (isinstance(row.content, bytes) and isinstance(row.hash, bytes)):
        return None
    following = _extended(running, row.position, row.content)
    try:
        at = to_micros(_decode(row.content).at)
    except MsgspecError:
        return None
    return following if following == row.hash and at == row.at else None


def _extended(running: bytes, position: int, content: bytes) -> bytes:
    """Return SHA-256(hash before || position as 8 bytes || entry)."""
    return hashlib.sha256(running + position.to_bytes(8, "big") + content).digest()


__all__ = ["AuditEntry", "ChainBreak", "ChainEnd", "append", "begin", "entries", "prune", "size", "verify"]
