"""Results of the records, for each agency.

Read from the journal, stored by agency in ascending cursors, listed and acknowledged.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from bridge.tables import receipt, result, result_cursor
from dispute.lifecycle.event_types import EventKind
from dispute.refusals.interfaces import CURSOR_AHEAD
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refused
from hub.refusals import UNDECODABLE
from hub.store.instants import from_micros
from hub.store.store import Transaction
from hub.streams.applier import Answer
from hub.streams.judge import Numbered

PAGE: Final = 100
PAGE_LIMIT: Final = 1000
RECOVERY_STEP: Final = 1_000_000
"""How far an agency's cursors jump when the bridge's store was restored.

The agency may have confirmed results that the backup does not have. Read again from the journal, they get new
numbers, which must be above every number that the agency has confirmed: so a result may come twice, but is never lost.
"""
CURSOR_LIMIT: Final = 2**62
"""No real cursor is near this; a bigger one does not fit the column."""


# Built once: building a statement for each transaction costs more than running it.
_OWNERS: Final = sa.select(receipt.c.case_of, receipt.c.agency, receipt.c.source_ref).where(
    receipt.c.case_of.in_(sa.bindparam("disputes", expanding=True))
)
_STORED: Final = sa.select(result.c.event_id).where(result.c.event_id.in_(sa.bindparam("events", expanding=True)))
_TAKE: Final = (
    sa.update(result_cursor)
    .where(result_cursor.c.agency == sa.bindparam("of_agency"))
    .values(last=result_cursor.c.last + sa.bindparam("more"))
    .returning(result_cursor.c.last)
)
_INSERT: Final = sa.insert(result)


@dataclass(frozen=True, slots=True)
class DueDate:
    """Last day of one limit, as known now.

    Attributes:
        name: due_on | local_due_on | statutory_due_on | confirm_by.
        day: ISO date.
        missing_year: Year whose holiday table is missing; 0 when the day is certain.
    """

    name: str
    day: str
    missing_year: int

    @property
    def note(self) -> str:
        """Text about a provisional day; empty when it is certain."""
        year = self.missing_year
        if not year:
            return ""
        zh = f"暂定：缺{year}年节假日表，不据此认定逾期"
        return f"{zh} / provisional: holiday table of {year} missing, nothing is late on this day"


@dataclass(frozen=True, slots=True)
class Result:
    """A result of one record, for its agency.

    Attributes:
        cursor: Ascending per agency; it jumps once after each recovery of the bridge's store.
        event_id: The same for every repeat.
        final: Nothing further follows in this opening.
        due_dates: Limits after the event.
    """

    cursor: int
    event_id: str
    source_ref: str
    dispute_id: str
    status: str
    reason_code: str
    clause: str
    occurred_at: datetime
    outcome_form: str
    document_sha256: str
    lead_department: str
    final: bool
    due_dates: tuple[DueDate, ...]


COHORT_DATES: Final = ("due_on", "local_due_on", "statutory_due_on")
AGENCY_LIMITS: Final = frozenset({*COHORT_DATES, "confirm_by"})
"""Limits that concern an agency; the limit for a handler's signature is internal to the centre."""

RESULT_KINDS: Final[Mapping[str, EventKind]] = {kind.value: kind for kind in EventKind if kind.status}
"""Event types of the journal that an agency is told.

Any other type concerns the hub's own work, or is newer than this bridge: it is skipped and never an error, so that an
older bridge can read a newer journal.
"""


class ResultsApplier:
    """Turns events of own records into results.

    The applier of a bridge's journal reader.

    Args:
        channel: Only disputes of this channel are read.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def key_of(self, record: bytes) -> str:
        """Return the dispute id, for parking.

        Raises:
            Rejected: `undecodable`.
        """
        return _decode(record).dispute_id

    def source_of(self, record: bytes) -> str:  # noqa: ARG002 - as the port
        """Return nothing: intake is the source of all events."""
        return ""

    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        """Store a result for each event of own records.

        Events that do not concern the agency are skipped. Returns one answer each.
        """
        answers: list[Answer] = []
        events: dict[str, journal_pb2.JournalEvent] = {}
        for record in records:
            try:
                event = _decode(record.record)
            except Refused as undecodable:
                answers.append(undecodable.refusal)
                continue
            answers.append(None)
            if event.dimensions.channel == self._channel and _is_for_agency(event):
                events.setdefault(event.event_id, event)
        if events:
            _store(tx, events)
        return answers


def _is_for_agency(event: journal_pb2.JournalEvent) -> bool:
    """Tell whether an agency gets a result of an event.

    It gets a correction only when it concerns one of the limits in `AGENCY_LIMITS`.
    """
    if event.type == EventKind.DUE_DATES_SETTLED:
        return any(date.name in AGENCY_LIMITS for date in event.particulars.settled)
    return event.type in RESULT_KINDS


def _decode(record: bytes) -> journal_pb2.JournalEvent:
    try:
        return journal_pb2.JournalEvent.FromString(record)
    except DecodeError as error:
        raise UNDECODABLE.error(message="JournalEvent") from error


def _store(tx: Transaction, events: Mapping[str, journal_pb2.JournalEvent]) -> None:
    disputes = {event.dispute_id for event in events.values()}
    owners = {row.case_of: (row.agency, row.source_ref) for row in tx.execute(_OWNERS, {"disputes": sorted(disputes)})}
    stored = set(tx.scalars(_STORED, {"events": list(events)}))
    by_agency: dict[str, list[dict[str, object]]] = defaultdict(list)
    for event in events.values():
        if event.dispute_id in owners and event.event_id not in stored:
            agency, source_ref = owners[event.dispute_id]
            by_agency[agency].append(_row(event, agency, source_ref))
    # Ascending by name, so that two workers never deadlock.
    for agency, rows in sorted(by_agency.items()):
        first = _take_cursors(tx, agency, len(rows))
        for place, row in enumerate(rows):
            row["cursor"] = first + place
        tx.execute(_INSERT, rows)


def _take_cursors(tx: Transaction, agency: str, count: int) -> int:
    """Return the first of `count` new cursors.

    The row's lock is held until the commit: a reader that sees a cursor has seen every lower one of that agency.
    """
    last: int | None = tx.scalar(_TAKE, {"of_agency": agency, "more": count})
    if last is None:
        tx.execute(sa.insert(result_cursor).values(agency=agency, last=count, acknowledged=0))
        last = count
    return last - count + 1


def _row(event: journal_pb2.JournalEvent, agency: str, source_ref: str) -> dict[str, object]:
    kind = RESULT_KINDS[event.type]
    return {
        "agency": agency,
        "event_id": event.event_id,
        "source_ref": source_ref,
        "dispute_id": event.dispute_id,
        "status": kind.status,
        "reason_code": event.reason_code,
        "clause": event.particulars.clause,
        "occurred_at": event.occurred_at.ToMicroseconds(),
        "outcome_form": event.dimensions.outcome_form,
        "document_sha256": event.particulars.document_sha256,
        "lead_department": event.dimensions.lead_department,
        "final": kind.is_final,
        "due_dates": json.dumps(_due_dates(event)),
    }


def _due_dates(event: journal_pb2.JournalEvent) -> list[tuple[str, str, int]]:
    days = {name: getattr(event.cohort, name) for name in COHORT_DATES}
    days["confirm_by"] = event.particulars.confirm_by
    days |= {date.name: date.after for date in event.particulars.settled if date.name == "confirm_by"}
    missing = {(mark.name, mark.day): mark.missing_year for mark in event.provisional}
    return [(name, day, missing.get((name, day), 0)) for name, day in days.items() if day]


def after(tx: Transaction, agency: str, cursor: int, limit: int) -> list[Result]:
    """Return an agency's results after a cursor, ascending.

    At most `limit` of them.

    Raises:
        Rejected: `cursor_ahead` when the cursor was never handed out: results would be lost silently.
    """
    c = result_cursor.c
    _check_handed_out(cursor, tx.scalar(sa.select(c.last).where(c.agency == agency)) or 0, "after")
    c = result.c
    query = sa.select(result).where(c.agency == agency, c.cursor > cursor).order_by(c.cursor).limit(limit)
    return [_read(row) for row in tx.execute(query)]


def of_reference(tx: Transaction, agency: str, source_ref: str) -> list[Result]:
    """Return every result of one reference, ascending."""
    c = result.c
    query = sa.select(result).where(c.agency == agency, c.source_ref == source_ref).order_by(c.cursor)
    return [_read(row) for row in tx.execute(query)]


def acknowledge(tx: Transaction, agency: str, cursor: int) -> int:
    """Confirm an agency's results up to `cursor`.

    Returns how many it has not confirmed. A lower cursor than before is no error and changes nothing.

    Raises:
        Rejected: `cursor_ahead` when the cursor was never handed out.
    """
    c = result_cursor.c
    row = tx.execute(sa.select(result_cursor).where(c.agency == agency).with_for_update()).one_or_none()
    last, acknowledged = (row.last, row.acknowledged) if row is not None else (0, 0)
    _check_handed_out(cursor, last, "cursor")
    if cursor > acknowledged:
        tx.execute(sa.update(result_cursor).where(c.agency == agency).values(acknowledged=cursor))
    confirmed = max(cursor, acknowledged)
    left = sa.select(sa.func.count()).where(result.c.agency == agency, result.c.cursor > confirmed)
    return tx.scalar(left.select_from(result)) or 0


def _check_handed_out(cursor: int, last: int, field: str) -> None:
    if cursor > last:
        raise CURSOR_AHEAD.error(field=field)


def step_over(tx: Transaction) -> None:
    """Move the cursors of all agencies by `RECOVERY_STEP`.

    An agency has a cursor when it ever got a receipt.
    """
    for agency in tx.scalars(sa.select(receipt.c.agency).distinct().order_by(receipt.c.agency)).all():
        _take_cursors(tx, agency, RECOVERY_STEP)


def count(tx: Transaction) -> int:
    """Count the results stored."""
    return tx.scalar(sa.select(sa.func.count()).select_from(result)) or 0


def _read(row: sa.Row[Any]) -> Result:
    return Result(
        cursor=row.cursor,
        event_id=row.event_id,
        source_ref=row.source_ref,
        dispute_id=row.dispute_id,
        status=row.status,
        reason_code=row.reason_code,
        clause=row.clause,
        occurred_at=from_micros(row.occurred_at),
        outcome_form=row.outcome_form,
        document_sha256=row.document_sha256,
        lead_department=row.lead_department,
        final=row.final,
        due_dates=tuple(DueDate(*date) for date in json.loads(row.due_dates)),
    )
