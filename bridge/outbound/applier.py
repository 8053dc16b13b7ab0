"""Turns events of own records into stored results.

The applier of a bridge's journal reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from operator import itemgetter
from typing import Final

import sqlalchemy as sa
from google.protobuf.message import DecodeError
from msgspec.json import encode

from bridge.outbound.results import take_cursors
from bridge.outbound.standing import (
    AGENCY_LIMITS,
    COHORT_DATES,
    EarlierResult,
    NewResult,
    may_matter,
    new_result,
    opening_of,
)
from bridge.tables import receipt, result
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.evolve import OPENINGS
from dispute.wire.journal.v1 import journal_pb2
from hub.refusals import UNDECODABLE
from hub.store.prepared import PreparedStatement
from hub.store.store import Transaction
from hub.streams.applier import Answer
from hub.streams.judge import Numbered

# Built once: building a statement for each transaction costs more than running it.
_OF_DISPUTES: Final = receipt.c.case_of.in_(sa.bindparam("disputes", expanding=True))
_RECORDS: Final = (
    sa.select(receipt.c.case_of, receipt.c.round, receipt.c.opening, receipt.c.agency, receipt.c.source_ref)
    .where(_OF_DISPUTES)
    .order_by(receipt.c.case_of, receipt.c.round)
)
# By way of the first receipt, whose reference the results bear: `result` has an index by reference, none by dispute.
_EARLIER: Final = (
    sa.select(
        result.c.event_id,
        result.c.dispute_id,
        result.c.sequence,
        result.c.opening,
        result.c.status,
        result.c.final,
        result.c.superseded_by,
    )
    .join_from(
        receipt,
        result,
        sa.and_(result.c.agency == receipt.c.agency, result.c.source_ref == receipt.c.source_ref),
    )
    .where(_OF_DISPUTES, receipt.c.round == 1, result.c.dispute_id == receipt.c.case_of)
    .order_by(result.c.cursor)
)
_parse: Final = journal_pb2.JournalEvent.FromString
_EVENT: Final = "JournalEvent"
_READ: Final = frozenset({EventKind.REGISTERED, *OPENINGS})
"""Types of events that may change the opening of a round or the code of a case, also where they give no result."""
_COLUMNS: Final = tuple(column.key for column in result.columns)
_IN_ORDER: Final = itemgetter(*_COLUMNS)
_SUPERSEDE: Final = (
    sa.update(result).where(result.c.event_id == sa.bindparam("of_event")).values(superseded_by=sa.bindparam("by"))
)
_BEGIN: Final = (
    sa.update(receipt)
    .where(receipt.c.case_of == sa.bindparam("of_dispute"), receipt.c.round == sa.bindparam("of_round"))
    .values(opening=sa.bindparam("begun"))
)
_NUMBER: Final = (
    sa.update(receipt)
    .where(receipt.c.case_of == sa.bindparam("of_dispute"), receipt.c.round == sa.literal_column("1"))
    .values(case_code=sa.bindparam("code"))
)


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
        try:
            return _parse(record).dispute_id
        except DecodeError as error:
            raise UNDECODABLE.error(message=_EVENT) from error

    def source_of(self, record: bytes) -> str:  # noqa: ARG002 - as the port
        """Return nothing: intake is the source of all events."""
        return ""

    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        """Store the results of events of own records.

        Events that do not concern the agency are skipped. Returns one answer each.
        """
        answers: list[Answer] = []
        events: list[journal_pb2.JournalEvent] = []
        for record in records:
            try:
                event = _parse(record.record)
            except DecodeError:
                answers.append(UNDECODABLE.refusal(message=_EVENT))
                continue
            answers.append(None)
            if event.dimensions.channel == self._channel and (event.type in _READ or may_matter(event)):
                events.append(event)
        if events:
            _store(tx, events)
        return answers


@dataclass(slots=True)
class _Record:
    """One own record whose events are read.

    Attributes:
        openings: Round -> its last known opening; None until intake began it.
        earlier: Results of its dispute, those of this unit too.
        known: Their event ids.
        new: Event id -> row of a result of this unit.
    """

    agency: str
    source_ref: str
    openings: dict[int, int | None]
    earlier: list[EarlierResult] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    new: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, one: EarlierResult) -> None:
        """Note a result of its dispute."""
        self.earlier.append(one)
        self.known.add(one.event_id)


def _store(tx: Transaction, events: Iterable[journal_pb2.JournalEvent]) -> None:
    records = _records(tx, {event.dispute_id for event in events})
    rows: dict[str, list[dict[str, object]]] = defaultdict(list)
    superseded: list[tuple[object, ...]] = []
    begun: list[tuple[object, ...]] = []
    numbered: list[tuple[object, ...]] = []
    for event in events:
        record = records.get(event.dispute_id)
        if record is None:
            continue
        begun += _begun(record, event)
        if event.type == EventKind.REGISTERED and event.particulars.case_code:
            numbered.append((event.particulars.case_code, event.dispute_id))
        if event.event_id in record.known:
            continue
        given = new_result(event, record.earlier)
        if given is None:
            continue
        superseded += _superseded(record, event, given)
        row = _row(event, given, record)
        rows[record.agency].append(row)
        record.new[event.event_id] = row
        record.add(EarlierResult(event.event_id, event.sequence, opening_of(event), given.status, given.final))
    add, supersede, begin, number = _writes(tx.dialect.name)
    # Ascending by name, so that two workers never deadlock.
    for agency, of_agency in sorted(rows.items()):
        first = take_cursors(tx, agency, len(of_agency))
        for place, row in enumerate(of_agency, first):
            row["cursor"] = place
        add.run(tx, [_IN_ORDER(row) for row in of_agency])
    supersede.run(tx, superseded)
    begin.run(tx, begun)
    number.run(tx, numbered)


@cache
def _writes(dialect: str) -> tuple[PreparedStatement, ...]:
    return (
        PreparedStatement(dialect, sa.insert(result), *_COLUMNS),
        PreparedStatement(dialect, _SUPERSEDE, "by", "of_event"),
        PreparedStatement(dialect, _BEGIN, "begun", "of_dispute", "of_round"),
        PreparedStatement(dialect, _NUMBER, "code", "of_dispute"),
    )


def _records(tx: Transaction, disputes: set[str]) -> Mapping[str, _Record]:
    wanted = {"disputes": sorted(disputes)}
    records: dict[str, _Record] = {}
    for row in tx.execute(_RECORDS, wanted):
        known = records.setdefault(row.case_of, _Record(row.agency, row.source_ref, {}))
        known.openings[row.round] = row.opening
    if records:
        for held in tx.execute(_EARLIER, wanted):
            # An earlier release did not keep the opening; nearly all disputes have only one.
            known_opening = held.opening or 1
            records[held.dispute_id].add(
                EarlierResult(held.event_id, held.sequence, known_opening, held.status, held.final, held.superseded_by)
            )
    return records


def _begun(record: _Record, event: journal_pb2.JournalEvent) -> list[tuple[object, ...]]:
    """Return the change of a round's opening: the next hand-over waits for the final result of that opening."""
    openings, opening = record.openings, opening_of(event)
    if opening in openings.values() and event.type not in OPENINGS:
        return []
    begun = [number for number, known in openings.items() if known is not None]
    current = event.particulars.round if event.type == EventKind.RESUBMITTED else max(begun, default=1)
    if current not in openings or (openings[current] or 0) >= opening:
        return []
    openings[current] = opening
    return [(opening, event.dispute_id, current)]


def _superseded(record: _Record, event: journal_pb2.JournalEvent, given: NewResult) -> list[tuple[object, ...]]:
    """Mark what a result takes back; return the changes of stored rows."""
    if not given.supersedes:
        return []
    taken = frozenset(given.supersedes)
    record.earlier = [
        replace(one, superseded_by=event.sequence) if one.event_id in taken else one for one in record.earlier
    ]
    for event_id in taken & record.new.keys():
        record.new[event_id]["superseded_by"] = event.sequence
    stored = (event_id for event_id in given.supersedes if event_id not in record.new)
    return [(event.sequence, event_id) for event_id in stored]


def _row(event: journal_pb2.JournalEvent, given: NewResult, record: _Record) -> dict[str, object]:
    own, of = event.particulars, event.dimensions
    return {
        "agency": record.agency,
        "event_id": event.event_id,
        "source_ref": record.source_ref,
        "dispute_id": event.dispute_id,
        "status": given.status,
        "reason_code": event.reason_code,
        "clause": own.clause,
        "occurred_at": event.occurred_at.ToMicroseconds(),
        "outcome_form": of.outcome_form,
        "document_sha256": own.document_sha256,
        "lead_department": of.lead_department,
        "final": given.final,
        "due_dates": _json(_due_dates(event)),
        "sequence": event.sequence,
        "opening": opening_of(event),
        "superseded_by": 0,
        "supersedes": _json(given.supersedes),
        "way": own.target,
        "missing": _json(own.missing),
        "alarm_limit": event.limit if event.limit in AGENCY_LIMITS else "",
    }


def _json(items: Sequence[object]) -> str:
    return encode([*items]).decode() if items else "[]"


def _due_dates(event: journal_pb2.JournalEvent) -> list[tuple[str, str, int]]:
    days = {name: getattr(event.cohort, name) for name in COHORT_DATES}
    particulars = event.particulars
    own = {"confirm_by": particulars.confirm_by, "screen_by": particulars.wait_until}
    own |= {date.name: date.after for date in particulars.settled if date.name in own}
    missing = {(mark.name, mark.day): mark.missing_year for mark in event.provisional}
    return [(name, day, missing.get((name, day), 0)) for name, day in (days | own).items() if day]
