"""Results of the records, for each agency.

Stored by agency in ascending cursors, listed and acknowledged. `bridge.outbound.applier` makes them of the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from msgspec import Struct
from msgspec.json import Decoder

from bridge.tables import receipt, result, result_cursor
from dispute.refusals.interfaces import CURSOR_AHEAD
from hub.store.instants import from_micros
from hub.store.store import Transaction

PAGE: Final = 100
PAGE_LIMIT: Final = 1000
RECOVERY_STEP: Final = 1_000_000
"""How far an agency's cursors jump when the bridge's store was restored.

The agency may have confirmed results that the backup does not have. Read again from the journal, they get new
numbers, which must be above every number that the agency has confirmed: so a result may come twice, but is never lost.
"""
CURSOR_LIMIT: Final = 2**62
"""No real cursor is near this; a bigger one does not fit the column."""


_TAKE: Final = (
    sa.update(result_cursor)
    .where(result_cursor.c.agency == sa.bindparam("of_agency"))
    .values(last=result_cursor.c.last + sa.bindparam("more"))
    .returning(result_cursor.c.last)
)


class DueDate(Struct, frozen=True, array_like=True):
    """Last day of one limit, as known now.

    Attributes:
        name: One of `bridge.outbound.standing.AGENCY_LIMITS`.
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


class Result(Struct, frozen=True):
    """A result of one record, for its agency.

    Attributes:
        cursor: Ascending per agency; it jumps once after each recovery of the bridge's store.
        event_id: The same for every repeat.
        final: The one final result of its opening: nothing further follows, unless it is taken back.
        due_dates: Limits after the event.
        supersedes: Event ids of the earlier results that it takes back.
        superseded: A later result took it back; it stays listed.
        way: Way that is open after a return, a referral or a non-performance.
        missing: Reason codes of what is asked for.
        opening: 1 for the first; 0 when an earlier release stored it.
        limit: Limit whose end it reports; empty for most.
        case_code: Printed code of the case; empty where an earlier release registered it.
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
    supersedes: tuple[str, ...]
    superseded: bool
    way: str
    missing: tuple[str, ...]
    opening: int
    limit: str
    case_code: str


_STORED_AS: Final = {"superseded": "superseded_by", "limit": "alarm_limit"}
"""Fields of a result whose columns have another name."""
_COLUMNS: Final = [result.c[_STORED_AS.get(field, field)] for field in Result.__struct_fields__ if field != "case_code"]
# The code is kept once, with the first receipt of the record.
_WITH_CODES: Final = sa.select(*_COLUMNS, receipt.c.case_code).join_from(
    result, receipt, sa.and_(receipt.c.case_of == result.c.dispute_id, receipt.c.round == 1), isouter=True
)
# Built once: building a statement for each transaction costs more than running it.
_OF_AGENCY: Final = result.c.agency == sa.bindparam("of_agency")
_AFTER: Final = (
    _WITH_CODES.where(_OF_AGENCY, result.c.cursor > sa.bindparam("cursor"))
    .order_by(result.c.cursor)
    .limit(sa.bindparam("most"))
)
_OF_REFERENCE: Final = _WITH_CODES.where(_OF_AGENCY, result.c.source_ref == sa.bindparam("source_ref")).order_by(
    result.c.cursor
)
_LEFT: Final = (
    sa.select(sa.func.count()).select_from(result).where(_OF_AGENCY, result.c.cursor > sa.bindparam("cursor"))
)
_CURSORS: Final = sa.select(result_cursor).where(result_cursor.c.agency == sa.bindparam("of_agency"))
_CURSORS_TO_MOVE: Final = _CURSORS.with_for_update()
_ACKNOWLEDGE: Final = (
    sa.update(result_cursor)
    .where(result_cursor.c.agency == sa.bindparam("of_agency"))
    .values(acknowledged=sa.bindparam("cursor"))
)
_dates_of: Final = Decoder(tuple[DueDate, ...]).decode
_texts_of: Final = Decoder(tuple[str, ...]).decode


def take_cursors(tx: Transaction, agency: str, count: int) -> int:
    """Return the first of `count` new cursors.

    The row's lock is held until the commit: a reader that sees a cursor has seen every lower one of that agency.
    """
    last: int | None = tx.scalar(_TAKE, {"of_agency": agency, "more": count})
    if last is None:
        tx.execute(sa.insert(result_cursor).values(agency=agency, last=count, acknowledged=0))
        last = count
    return last - count + 1


def after(tx: Transaction, agency: str, cursor: int, limit: int) -> list[Result]:
    """Return an agency's results after a cursor, ascending.

    At most `limit` of them.

    Raises:
        Rejected: `cursor_ahead` when the cursor was never handed out: results would be lost silently.
    """
    known = tx.execute(_CURSORS, {"of_agency": agency}).one_or_none()
    _check_handed_out(cursor, 0 if known is None else known.last, "after")
    return [_read(row) for row in tx.execute(_AFTER, {"of_agency": agency, "cursor": cursor, "most": limit})]


def of_reference(tx: Transaction, agency: str, source_ref: str) -> list[Result]:
    """Return every result of one reference, ascending."""
    return [_read(row) for row in tx.execute(_OF_REFERENCE, {"of_agency": agency, "source_ref": source_ref})]


def acknowledge(tx: Transaction, agency: str, cursor: int) -> int:
    """Confirm an agency's results up to `cursor`.

    Returns how many it has not confirmed. A lower cursor than before is no error and changes nothing.

    Raises:
        Rejected: `cursor_ahead` when the cursor was never handed out.
    """
    row = tx.execute(_CURSORS_TO_MOVE, {"of_agency": agency}).one_or_none()
    last, acknowledged = (row.last, row.acknowledged) if row is not None else (0, 0)
    _check_handed_out(cursor, last, "cursor")
    if cursor > acknowledged:
        tx.execute(_ACKNOWLEDGE, {"of_agency": agency, "cursor": cursor})
    return tx.scalar(_LEFT, {"of_agency": agency, "cursor": max(cursor, acknowledged)}) or 0


def _check_handed_out(cursor: int, last: int, field: str) -> None:
    if cursor > last:
        raise CURSOR_AHEAD.error(field=field)


def step_over(tx: Transaction) -> None:
    """Move the cursors of all agencies by `RECOVERY_STEP`.

    An agency has a cursor when it ever got a receipt.
    """
    for agency in tx.scalars(sa.select(receipt.c.agency).distinct().order_by(receipt.c.agency)).all():
        take_cursors(tx, agency, RECOVERY_STEP)


def count(tx: Transaction) -> int:
    """Count the results stored."""
    return tx.scalar(sa.select(sa.func.count()).select_from(result)) or 0


def _read(row: Sequence[Any]) -> Result:
    stored = dict(zip(Result.__struct_fields__, row, strict=True))
    stored["occurred_at"] = from_micros(stored["occurred_at"])
    stored["due_dates"] = _dates_of(stored["due_dates"])
    stored["supersedes"] = _texts_of(stored["supersedes"])
    stored["superseded"] = stored["superseded"] > 0
    stored["missing"] = _texts_of(stored["missing"])
    stored["case_code"] = stored["case_code"] or ""
    return Result(**stored)
