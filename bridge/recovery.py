"""Recovers a restored bridge from Kafka.

It takes back its hand-offs, and with them the receipts that it had given.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from bridge.outbound import results
from bridge.record import references
from bridge.tables import receipt
from dispute.contracts.sealing import Sealer
from dispute.lifecycle import key_owner_of
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Fault
from hub.store.store import Store, Transaction
from hub.streams.heads import TopicLog
from hub.streams.judge import Numbered
from hub.streams.outbox import Outbox
from hub.streams.recovery import RecoveryResult, recover


def recover_bridge(store: Store, outbox: Outbox, source: TopicLog, sealer: Sealer) -> RecoveryResult:
    """Recover a restored store and its receipts.

    The agencies' cursors jump once by `results.RECOVERY_STEP`. The bridge reads the journal again from the position in
    its backup. Errors as `hub.streams.recovery.recover`, and:

    Raises:
        Rejected: `cannot_open`: a receipt's digest is sealed with a key that this keys folder does not have.
    """
    recovered = recover(
        store, outbox, source, key_of=lambda record: _handoff(record).dispute_id, adopt=partial(adopt, sealer)
    )
    store.write_blocking(references.fill)
    store.write_blocking(results.step_over)
    return recovered


def adopt(sealer: Sealer, tx: Transaction, records: Sequence[Numbered]) -> None:
    """Write the receipts of these hand-offs.

    Receipts that exist stay as they are.
    """
    rows = {str(row["receipt_id"]): row for row in (_row(record, sealer) for record in records)}
    ids = sorted(rows)
    known = set(tx.scalars(sa.select(receipt.c.receipt_id).where(receipt.c.receipt_id.in_(ids))))
    new = [rows[receipt_id] for receipt_id in ids if receipt_id not in known]
    if new:
        tx.execute(sa.insert(receipt), new)


def _row(item: Numbered, sealer: Sealer) -> dict[str, object]:
    handoff = _handoff(item.record)
    its = (handoff.handoff_id, key_owner_of(handoff.dispute_id))
    is_case = handoff.WhichOneof("body") == "case_received"
    number = max(1, handoff.case_received.round) if is_case else 0
    return {
        "receipt_id": handoff.handoff_id,
        "agency": handoff.agency_id,
        "source_ref": handoff.source_ref_written or handoff.source_ref,
        "idempotency_key": handoff.idempotency_key,
        "dispute_id": handoff.dispute_id,
        "case_of": handoff.dispute_id if is_case else None,
        "content_sha256": sealer.open(handoff.confidential, *its).content_sha256,
        # The time of the commit is not in the message; the record was received right before it.
        "accepted_at": handoff.received_at.ToMicroseconds(),
        "stream": str(item.stream),
        "position": item.position,
        "correlation_id": handoff.correlation_id,
        "round": number,
        # Later ones are numbered by intake: the journal is read again.
        "opening": 1 if number == 1 else None,
    }


def _handoff(record: bytes) -> handoff_pb2.Handoff:
    try:
        return handoff_pb2.Handoff.FromString(record)
    except DecodeError as error:
        raise Fault("stream_fork", "a record of this bridge in the log is no hand-off") from error
