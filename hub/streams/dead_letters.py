"""Publishes and redrives dead letters.

They are published from the store as everything else is, and a redriven record is not counted twice.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog
from typing_extensions import override

from hub.errors import Rejected, Retryable
from hub.refusals import (
    BUS_UNAVAILABLE,
    NOT_REDRIVABLE,
    PLACE_MISMATCH,
    REDRIVEN,
    SOURCE_HELD,
    UNDECODABLE,
    UNKNOWN_DEAD_LETTER,
)
from hub.runtime.periodic import Periodic
from hub.store.store import Store, Transaction
from hub.store.tables import dead_letter
from hub.streams.envelope import Message, StreamName, extend_all, place_of, unpack
from hub.streams.inbox import Inbox
from hub.streams.judge import Numbered
from hub.streams.ports import Publisher

ROUND: Final = 100
POLL_S: Final = 0.01
LOOK_EVERY_S: Final = 0.5
"""Often enough, since a dead letter waits for a person; a look after every commit would cost each commit a read."""
CONFIRM_S: Final = 20.0
PREFIX: Final = "dlq_"
"""Prefix of the headers that give reason, origin and attempts; headers with this prefix are removed from a record."""

log = structlog.get_logger(__name__)


class DeadLetterRelay(Periodic):
    """Publishes stored dead letters, as a part.

    They go to `<topic>.dlq`, in order, each until it is confirmed. A letter may appear twice after a crash; its headers
    name its origin, so an operator can recognise it.
    """

    name = "dead-letter-relay"

    def __init__(self, store: Store, publisher: Publisher, *, version: str) -> None:
        super().__init__()
        self._store = store
        self._publisher = publisher
        self._version = version

    @override
    async def step(self) -> float:
        """Publish what is stored."""
        try:
            while rows := await self._store.read(_unsent):
                await self._publish(rows)
        except Retryable as error:
            log.warning("dead_letters_wait", code=error.code, detail=error.detail)
        return LOOK_EVERY_S

    async def _publish(self, rows: Sequence[sa.Row[Any]]) -> None:
        for row in rows:
            delivery = self._publisher.send(message_of(row, self._version))
            deadline = time.monotonic() + CONFIRM_S
            while not delivery.done():
                if time.monotonic() > deadline:
                    self._publisher.renew()
                    raise BUS_UNAVAILABLE.error(why="a dead letter was not confirmed in time")
                await asyncio.sleep(POLL_S)
            failure = delivery.failure()
            if failure is not None:
                # as in the relay: a producer that gave a message up sends nothing after it
                self._publisher.renew()
                raise failure.error()
            await self._store.write(lambda tx, letter=row.id: _mark(tx, letter))  # type: ignore[misc]


def message_of(row: sa.Row[Any], version: str) -> Message:
    """Return a dead letter's Kafka message.

    It has the original key, value and headers, and headers that say why it is dead.
    """
    came = [(name, bytes.fromhex(value)) for name, value in json.loads(bytes(row.headers))]
    headers = [(name, value) for name, value in came if not name.startswith(PREFIX)]
    values = {
        "reason": row.reason,
        "detail": row.detail,
        "topic": row.topic,
        "partition": str(row.partition),
        "offset": str(row.offset),
        "stream": row.stream,
        "position": str(row.position),
        "attempts": str(row.attempts),
        "first_failed_time": datetime.fromtimestamp(row.failed_at, UTC).isoformat(),
        "service_version": version,
    }
    headers += [(PREFIX + name, value.encode()) for name, value in values.items()]
    # A tombstone would be lost on a compacted copy of the topic: an empty value says the same.
    return Message(f"{row.topic}.dlq", 0, bytes(row.key or b""), bytes(row.value or b""), tuple(headers))


def redrive(tx: Transaction, letter_id: int) -> int:
    """Put a dead letter's records back for the reader.

    The records keep their positions and leave the dead letters in the same transaction, so each counts once: first as
    dead, then as parked, finally as applied (or dead again). Nothing is published again.

    Returns:
        How many records.

    Raises:
        Rejected: `unknown_dead_letter`; `not_redrivable` when the letter holds no numbered record that can be read.
    """
    row = tx.execute(sa.select(dead_letter).where(dead_letter.c.id == letter_id).with_for_update()).first()
    if row is None:
        raise UNKNOWN_DEAD_LETTER.error(field="id")
    if not row.stream:
        raise NOT_REDRIVABLE.error(why="it holds no numbered record, and its sender has to send it again")
    inbox = Inbox(row.topic)
    records = _records(row)
    now = time.time()
    for index, record in enumerate(records):
        name, position = StreamName.parse(row.stream), row.position + index
        item = Numbered(row.topic, row.partition, row.offset, name, position, record)
        # Each record has its own key: a redriven letter neither waits for others nor blocks them. One that died only
        # because its source was held was never tried: it keeps its place behind the earlier records of its dispute.
        own = f"redriven:{row.stream}@{position}"[:64]
        key = bytes(row.key).decode() if row.reason == SOURCE_HELD.name else own
        inbox.park(tx, [(item, key, row.source)], REDRIVEN.name, now)
    tx.execute(sa.delete(dead_letter).where(dead_letter.c.id == letter_id))
    return len(records)


def _records(row: sa.Row[Any]) -> Sequence[bytes]:
    if row.reason not in {UNDECODABLE.name, PLACE_MISMATCH.name}:
        return (bytes(row.value),)
    headers = [(name, bytes.fromhex(value)) for name, value in json.loads(bytes(row.headers))]
    try:
        place = place_of(headers)
        records = unpack(place, bytes(row.value or b""))
    except Rejected as error:
        raise NOT_REDRIVABLE.error(why=f"still {error.code}") from error
    skipped = row.position - place.first
    if extend_all(place.hash_before, records) != place.hash_after:
        raise NOT_REDRIVABLE.error(why="the records do not hash to the header's hash")
    return records[skipped:]


def _unsent(tx: Transaction) -> Sequence[sa.Row[Any]]:
    query = sa.select(dead_letter).where(dead_letter.c.sent.is_(False)).order_by(dead_letter.c.id)
    return tx.execute(query.limit(ROUND)).all()


def _mark(tx: Transaction, letter_id: int) -> None:
    tx.execute(sa.update(dead_letter).where(dead_letter.c.id == letter_id).values(sent=True))
