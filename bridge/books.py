"""The books of a bridge.

Each count has its own source; all are read in one snapshot.
"""

from __future__ import annotations

import sqlalchemy as sa

from bridge.outbound import results
from bridge.tables import receipt
from hub.grpc.vectors import vector_to_wire
from hub.store.store import Transaction
from hub.streams.outbox import Outbox
from hub.streams.reader import Reader
from hub.wire.books.v1 import books_pb2


def read_books(tx: Transaction, outbox: Outbox, reader: Reader) -> books_pb2.GetBooksResponse:
    """Return the counts of a bridge.

    `handoff`: receipts given and rows that Kafka has not confirmed. `result`: what the reader of the journal counts,
    and the results stored for agencies.
    """
    heads, sent = outbox.heads(tx), outbox.sent(tx)
    received = tx.scalar(sa.select(sa.func.count()).select_from(receipt)) or 0
    unsent = sum(head - sent.get(stream, 0) for stream, head in heads.items())
    counts = [("handoff", "received", received), ("handoff", "unsent", unsent)]
    counts += [("result", what, count) for what, count in sorted(reader.books(tx).items())]
    counts.append(("result", "stored", results.count(tx)))
    return books_pb2.GetBooksResponse(
        entries=[books_pb2.Entry(stage=stage, what=what, count=count) for stage, what, count in counts],
        written=vector_to_wire(heads),
        sent=vector_to_wire(sent),
        read=vector_to_wire(reader.positions(tx)),
    )
