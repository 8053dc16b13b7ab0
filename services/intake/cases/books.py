"""Intake's books: hand-offs applied and events written.

Hand-offs are counted by intake's own rows, events by the outbox of the journal. The operators compare both with the
other services (ADR-0007).
"""

from __future__ import annotations

import sqlalchemy as sa

from hub.grpc.vectors import vector_to_wire
from hub.store.store import Transaction
from hub.store.tables import stream_head
from hub.streams.outbox import Outbox
from hub.streams.reader import Reader
from hub.wire.books.v1 import books_pb2
from services.intake.cases.register import applied_in

HANDOFF = "handoff"
JOURNAL = "journal"


def books_of(tx: Transaction, reader: Reader, outbox: Outbox) -> books_pb2.GetBooksResponse:
    """Return the books in one snapshot.

    `applied` counts rows that this service keeps, not positions.
    """
    read = {**reader.books(tx), "applied": applied_in(tx), "rejected": 0}
    received = int(tx.scalar(sa.select(sa.func.coalesce(sa.func.sum(stream_head.c.rows), 0))) or 0)
    wrote = {"received": received, "unsent": outbox.unsent(tx)}
    return books_pb2.GetBooksResponse(
        entries=[
            books_pb2.Entry(stage=stage, what=what, count=count)
            for stage, sheet in ((HANDOFF, read), (JOURNAL, wrote))
            for what, count in sorted(sheet.items())
        ],
        written=vector_to_wire(outbox.heads(tx)),
        sent=vector_to_wire(outbox.sent(tx)),
        read=vector_to_wire(reader.positions(tx)),
    )
