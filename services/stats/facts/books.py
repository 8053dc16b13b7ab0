"""The books of stats.

Counts what it folded by its own rows, and drops everything that was derived.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL
from hub.grpc.vectors import vector_to_wire
from hub.store.store import Transaction
from hub.store.tables import crash, dead_letter, inbox_partition, inbox_stream, parked, source_hold
from hub.streams.envelope import StreamName
from hub.streams.reader import Reader
from hub.wire.books.v1 import books_pb2
from services.stats.facts.applier import STAGE
from services.stats.facts.ledger import events_in
from services.stats.facts.tables import cell, fact, folded, total


def books_of(tx: Transaction, reader: Reader) -> books_pb2.GetBooksResponse:
    """Return the books in one snapshot.

    `applied` counts the events that were folded, not positions.
    """
    sheet = {**reader.books(tx), "applied": events_in(tx)}
    entries = [books_pb2.Entry(stage=STAGE, what=what, count=count) for what, count in sorted(sheet.items())]
    return books_pb2.GetBooksResponse(entries=entries, read=vector_to_wire(reader.positions(tx)))


def difference(tx: Transaction, positions: Mapping[StreamName, int], books: Mapping[str, int]) -> int:
    """Return read events minus those accounted for.

    Folded, dead, parked or held ones: each from its own rows; 0 when the books balance.
    """
    return sum(positions.values()) - events_in(tx) - books["dead"] - books["parked"] - books["held"]


def forget(tx: Transaction) -> None:
    """Drop everything derived from the journal.

    Also the position in the journal: the next start reads from position 0. Interned values stay: they are names, not
    figures, and a running process may hold them in memory. Dead letters that are still dead will be found, and
    published, again.
    """
    for table in (fact, cell, total, folded):
        tx.execute(sa.delete(table))
    for table in (inbox_partition, inbox_stream, parked, source_hold, crash, dead_letter):
        tx.execute(sa.delete(table).where(table.c.topic == JOURNAL.name))
