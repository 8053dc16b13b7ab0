"""Retries parked records.

They are troubled ones, redriven ones, and those of a source that was released.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from hub.errors import Refusal
from hub.refusals import BUG
from hub.store.store import Transaction
from hub.streams.applier import Answer, Applier, apply_one, apply_together, dead_of, note, stops, waits
from hub.streams.envelope import StreamName
from hub.streams.flood import Flooded, FloodTrial, FloodWatch
from hub.streams.holds import covers, hold
from hub.streams.inbox import Inbox
from hub.streams.judge import Dead, Numbered

RETRY_LIMIT: Final = 20
"""Tries of a parked record before it waits for an operator."""
RETRY_MAX_S: Final = 300.0


@dataclass(slots=True)
class RetryResult:
    """The result of retrying parked records.

    Attributes:
        trial: What the flood guard is to remember.
        tried: Records that were due.
        dead: Those that became dead letters.
    """

    trial: FloodTrial
    tried: int = 0
    dead: list[Dead] = field(default_factory=list)


def retry_parked(
    tx: Transaction, inbox: Inbox, applier: Applier, partitions: Collection[int], *, now: float, watch: FloodWatch
) -> RetryResult:
    """Retry the parked records that are due.

    They are retried per dispute in order. Records that were held and released are among them, a bounded number at a
    time. If too many of them become dead letters again, their source is held again, beginning with the record that
    exceeded the limit.
    """
    gone: list[int] = []
    applied: list[Numbered] = []
    stuck: set[str] = set()
    again: list[str] = []
    retried = RetryResult(watch.trial(()))
    rows = inbox.due(tx, partitions, now)
    items = [_item_of(row) for row in rows]
    answers = apply_together(tx, applier, items)
    for number, (row, item) in enumerate(zip(rows, items, strict=True)):
        held = covers(again, row.source)
        if row.key in stuck or (held and answers is None):
            continue
        answer = _try(tx, applier, item) if answers is None else answers[number]
        if held and answer is not None:
            continue
        try:
            if row.source:
                note(retried.trial, applier, item, answer)
        except Flooded as flood:
            hold(tx, inbox.topic, flood.source, flood.reasons)
            again.append(flood.source)
            continue
        if waits(answer):
            stuck.add(row.key)
            inbox.defer(tx, row.id, answer.code, _later(row.attempts, answer, now))
            continue
        gone.append(row.id)
        if answer is not None:
            retried.dead.append(dead_of(item, answer))
            inbox.bury(tx, retried.dead[-1:], attempts=row.attempts + 1)
        else:
            applied.append(item)
    inbox.unpark(tx, gone)
    inbox.count_applied(tx, (item.partition for item in applied))
    retried.tried = len(rows)
    return retried


def _item_of(row: sa.Row[Any]) -> Numbered:
    stream = StreamName.parse(row.stream)
    return Numbered(row.topic, row.partition, row.offset, stream, row.position, bytes(row.record))


def _try(tx: Transaction, applier: Applier, item: Numbered) -> Answer:
    """Apply one record in its own savepoint.

    A bug at the record answers a temporary refusal.
    """
    try:
        return apply_one(tx, applier, item)
    except Exception as error:
        if stops(error):
            raise
        return BUG.refusal(why=type(error).__name__)


def _later(attempts: int, refusal: Refusal, now: float) -> float | None:
    """Return when to retry; None waits for an operator."""
    if refusal.code == BUG.name or attempts >= RETRY_LIMIT:
        return None
    return now + min(2.0**attempts, RETRY_MAX_S)
