"""Held sources, whose records wait for an operator.

Records of a held source are stored in order, without being tried, until an operator releases the source (ADR-0010).

A source is `<producer>/<agency>` where the record names its agency, else the stream's `<producer>`; a Kafka record that
is not a numbered record belongs to its topic. A hold on a producer covers its agencies. A record waits as a parked one
does, with the name of its source; it is *held* while a row here covers that source. So a release removes a row: from
then on the same records are parked ones that are due, and later records of their disputes queue behind them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from hub.refusals import SOURCE_HELD
from hub.store.store import Transaction
from hub.store.tables import dead_letter, parked, source_hold

AT_ONCE: Final = 1000
LIMIT_ROWS: Final = 100_000
"""Records held in one store at most, unless its settings say otherwise."""


@dataclass(frozen=True, slots=True)
class HeldRecords:
    """The waiting records of one source.

    Attributes:
        source: Empty for records that were parked by a version that did not store it.
        since: When it was held, seconds since 1970; None when it is not, and single records of it are parked.
        rows: Records that wait.
        letters: More records that found no room, as dead letters `source_held`; a release brings them back as well.
        reasons: Why it is held, or why records of it are parked.
    """

    source: str
    since: float | None
    rows: int
    letters: int
    reasons: str


def held_remark(held: Collection[str]) -> str:
    """Return health's remark on held sources.

    Empty when there are none.
    """
    names = ", ".join(sorted(held))
    return f"暂扣来源 {names}，其余照常 / held: {names}; all others go on" if held else ""


def covers(held: Collection[str], source: str) -> bool:
    """Return whether a source or its producer is held."""
    return source in held or source.partition("/")[0] in held


def held_rows(held: Collection[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a parked row is held.

    A row is held when its source is.
    """
    return _covered(parked.c.source, held)


def holds(tx: Transaction, topic: str, *, lock: bool = False) -> dict[str, str]:
    """Return source -> reasons of the held sources.

    Args:
        tx: Transaction.
        topic: Topic of the sources.
        lock: Make a release wait until this transaction ends.
    """
    query = sa.select(source_hold.c.source, source_hold.c.reasons).where(source_hold.c.topic == topic)
    return {row.source: row.reasons for row in tx.execute(query.with_for_update(read=True) if lock else query)}


def hold(tx: Transaction, topic: str, source: str, reasons: str) -> None:
    """Hold a source.

    One that is already held stays as it is.
    """
    try:
        with tx.begin_nested():
            tx.execute(sa.insert(source_hold).values(topic=topic, source=source, since=time.time(), reasons=reasons))
    except sa.exc.IntegrityError:
        return  # another worker has already held it


def aside(tx: Transaction, topic: str) -> Sequence[HeldRecords]:
    """Return what waits, by source in name order."""
    held = {row.source: row for row in tx.execute(sa.select(source_hold).where(source_hold.c.topic == topic))}
    grouped = sa.select(parked.c.source, sa.func.count().label("rows")).where(parked.c.topic == topic)
    rows = {row.source: row.rows for row in tx.execute(grouped.group_by(parked.c.source))}
    overflow = sa.select(dead_letter.c.source, sa.func.count().label("rows")).where(
        dead_letter.c.topic == topic, dead_letter.c.reason == SOURCE_HELD.name
    )
    letters = {row.source: row.rows for row in tx.execute(overflow.group_by(dead_letter.c.source))}
    found: list[HeldRecords] = []
    for source in sorted(held.keys() | rows.keys() | letters.keys()):
        hold_row = held.get(source) or held.get(source.partition("/")[0])
        since, why = (hold_row.since, hold_row.reasons) if hold_row is not None else (None, _why(tx, topic, source))
        found.append(HeldRecords(source, since, rows.get(source, 0), letters.get(source, 0), why))
    return found


def release(tx: Transaction, topic: str, source: str) -> int | None:
    """Let a source's records be tried again.

    Call it until it returns a number. First come the letters that found no room, a bounded number each time: they queue
    behind what is held. With the last call the hold is removed, and everything that waits is due.

    Returns:
        How many records wait to be tried again; None while there are letters left.
    """
    mine = (source_hold.c.topic == topic, source_hold.c.source == source)
    tx.execute(sa.select(source_hold.c.source).where(*mine).with_for_update()).all()
    c = dead_letter.c
    query = sa.select(dead_letter).where(c.topic == topic, c.reason == SOURCE_HELD.name, _covered(c.source, {source}))
    letters = tx.execute(query.order_by(c.id).limit(AT_ONCE)).all()
    if letters:
        now = time.time()
        rows = [
            {
                "topic": topic,
                "partition": letter.partition,
                "offset": letter.offset,
                "stream": letter.stream,
                "position": letter.position,
                "key": bytes(letter.key).decode(),
                "record": bytes(letter.value),
                "reason": SOURCE_HELD.name,
                "attempts": letter.attempts,
                "retry_at": now,
                "source": letter.source,
            }
            for letter in letters
        ]
        tx.execute(sa.insert(parked), rows)
        tx.execute(sa.delete(dead_letter).where(c.id.in_([letter.id for letter in letters])))
        return None
    tx.execute(sa.delete(source_hold).where(*mine))
    waiting = (parked.c.topic == topic, _covered(parked.c.source, {source}))
    return tx.execute(sa.update(parked).where(*waiting).values(retry_at=time.time())).rowcount


def _covered(column: sa.ColumnElement[str], held: Collection[str]) -> sa.ColumnElement[bool]:
    under = (column.startswith(f"{source}/", autoescape=True) for source in sorted(held))
    return sa.or_(sa.false(), column.in_(sorted(held)), *under) if held else sa.false()


def _why(tx: Transaction, topic: str, source: str) -> str:
    where = (parked.c.topic == topic, parked.c.source == source)
    grouped = sa.select(parked.c.reason, sa.func.count().label("rows")).where(*where).group_by(parked.c.reason)
    return ", ".join(f"{row.reason} × {row.rows}" for row in tx.execute(grouped.order_by(parked.c.reason)))
