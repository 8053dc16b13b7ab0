"""Writes receipts and outbox rows in one commit.

All waiting records go into one unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, Generic, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from google.protobuf.timestamp_pb2 import Timestamp
from typing_extensions import override

from bridge.accepting import handoff_messages as wire
from bridge.accepting import rounds as judging
from bridge.accepting.ports import Admission
from bridge.accepting.rounds import SeenReceipt
from bridge.record.facts import Receipt, RecordT, Report, Sender, Submission, Verdict, in_order
from bridge.tables import receipt
from dispute.contracts.codec import timestamp_of
from dispute.contracts.sealing import Sealer
from dispute.lifecycle import key_owner_of
from dispute.lifecycle.identity import dispute_id_of, id_within
from dispute.refusals.interfaces import KEY_REUSED
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Bug, Refusal, Refused, Retryable
from hub.refusals import NOT_FOUND
from hub.runtime.clock import Clock
from hub.runtime.turns import in_turns
from hub.store.batcher import Batcher
from hub.store.instants import from_micros, to_micros
from hub.store.prepared import PreparedStatement, among
from hub.store.store import Store, Transaction
from hub.streams.outbox import Entry, Heads, Outbox

_HANDOFFS: Final = UUID("3d2f5c1e-6f0b-5b8e-9a44-2b8c1d7e9f60").bytes
"""Namespace of hand-off ids; fixed for ever, because repeats are known by it."""

ToWire = Callable[[RecordT], handoff_pb2.CaseReceived]


def handoff_id_of(channel: str, agency: str, key: str) -> str:
    """Return the id of a hand-off.

    Its receipt has the same id, and so has every repeat.
    """
    return id_within(_HANDOFFS, f"{channel}\n{agency}\n{key}")


class _Item(NamedTuple):
    """One hand-off, sealed and waiting for its commit.

    It is serialised; `source_ref` is as written. `round` is 0 for a later fact.
    """

    receipt_id: str
    agency: str
    source_ref: str
    key: str
    dispute_id: str
    round: int
    content_sha256: bytes
    correlation_id: str
    record: bytes


class DurableAdmission(Admission[RecordT], Generic[RecordT]):
    """Admits hand-offs into one bridge's store.

    Args:
        store: The bridge's.
        outbox: Of the hand-off topic; when it is full, the refusal is `outbox_full`.
        channel: court, police or petition.
        to_wire: Facts of a record as the hand-off has them.
        sealer: For parties and free text.
        clock: Wall clock.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        *,
        channel: str,
        to_wire: ToWire[RecordT],
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self._to_wire = to_wire
        self._sealer = sealer
        self._clock = clock
        self._batcher: Batcher[_Item, Receipt] = Batcher(store, self._admit_all)

    @override
    async def admit(self, sender: Sender, submissions: Sequence[Submission[RecordT]]) -> Sequence[Verdict]:
        received_at = timestamp_of(self._clock.now())
        cases = [self._case(sender, one, received_at) async for one in in_turns(submissions)]
        outcomes = await self._batcher.submit_all([case for case in cases if isinstance(case, _Item)])
        return in_order(cases, [_verdict(outcome) for outcome in outcomes])

    @override
    async def admit_report(self, sender: Sender, submission: Submission[Report]) -> Verdict:
        received_at = timestamp_of(self._clock.now())
        occurred_at = timestamp_of(submission.record.occurred_at)
        handoff = handoff_pb2.Handoff(occurred_at=occurred_at, received_at=received_at)
        wire.put_report(handoff, submission.record.body)
        confidential = handoff_pb2.Confidential(content_sha256=submission.content_sha256)
        try:
            item = self._item(sender, submission, handoff, confidential, number=0)
        except Refused as refused:
            return refused.refusal
        (outcome,) = await self._batcher.submit_all([item])
        return _verdict(outcome)

    def _case(self, sender: Sender, submission: Submission[RecordT], received_at: Timestamp) -> _Item | Refusal:
        matter = submission.record.matter
        handoff = handoff_pb2.Handoff(
            occurred_at=timestamp_of(matter.handed_over_at),
            received_at=received_at,
            case_received=self._to_wire(submission.record),
        )
        try:
            confidential = wire.confidential(matter.confidential, submission.content_sha256)
            return self._item(sender, submission, handoff, confidential, number=matter.round)
        except Refused as refused:
            return refused.refusal

    def _item(
        self,
        sender: Sender,
        submission: Submission[RecordT] | Submission[Report],
        handoff: handoff_pb2.Handoff,
        confidential: handoff_pb2.Confidential,
        *,
        number: int,
    ) -> _Item:
        """Give the hand-off its ids and seal it.

        Raises:
            Rejected: `record_too_large`.
        """
        handoff_id = handoff_id_of(self._channel, sender.agency, submission.key)
        dispute_id = dispute_id_of(sender.agency, submission.reference)
        handoff.handoff_id = handoff_id
        handoff.dispute_id = dispute_id
        handoff.channel = self._channel
        handoff.agency_id = sender.agency
        handoff.source_ref = submission.reference
        handoff.source_ref_written = submission.source_ref if submission.source_ref != submission.reference else ""
        handoff.idempotency_key = submission.key
        handoff.content_mac = self._sealer.mac(submission.content_sha256)
        handoff.correlation_id = submission.correlation_id
        handoff.confidential.CopyFrom(self._sealer.seal(confidential, handoff_id, key_owner_of(dispute_id)))
        record = handoff.SerializeToString()
        # A record that can't be published must not be accepted: refuse it before there is a receipt.
        self._outbox.check_size(record)
        return _Item(
            receipt_id=handoff_id,
            agency=sender.agency,
            source_ref=submission.source_ref,
            key=submission.key,
            dispute_id=dispute_id,
            round=number,
            content_sha256=submission.content_sha256,
            correlation_id=submission.correlation_id,
            record=record,
        )

    def _admit_all(self, tx: Transaction, items: Sequence[_Item]) -> Sequence[Verdict]:
        """Judge items in order and write new ones.

        The unit of the batcher. All new items are written at once.
        """
        held = self._outbox.lock(tx, {item.dispute_id for item in items})
        by_id, by_dispute = _known(tx, items)
        outcomes: list[SeenReceipt | Refusal] = []
        new: list[_Item] = []
        for item in items:
            rounds = by_dispute.get(item.dispute_id, {})
            seen = by_id.get(item.receipt_id) or rounds.get(item.round)
            if seen is not None:
                same = (seen.dispute_id, seen.content_sha256) == (item.dispute_id, item.content_sha256)
                outcomes.append(seen if same else KEY_REUSED.refusal())
            elif refusal := _refusal(tx, item, rounds):
                outcomes.append(refusal)
            else:
                fresh = SeenReceipt(
                    item.dispute_id,
                    item.content_sha256,
                    item.agency,
                    item.source_ref,
                    opening=_opening(item.round),
                    new=len(new),
                )
                by_id[item.receipt_id] = fresh
                if item.round:
                    by_dispute.setdefault(item.dispute_id, {})[item.round] = fresh
                outcomes.append(fresh)
                new.append(item)
        written = self._write(tx, new, held)
        return _with_codes(_answers(outcomes, written), by_dispute)

    def _write(self, tx: Transaction, new: Sequence[_Item], held: Heads) -> Sequence[Receipt] | Refusal:
        try:
            places = self._outbox.append(tx, [Entry(item.dispute_id, item.record) for item in new], held)
        except Retryable as full:
            return full.refusal  # the new ones wait; repeats of accepted records still get their answer
        micros = to_micros(self._clock.now())
        accepted_at = from_micros(micros)
        names = {stream: str(stream) for stream in {place.stream for place in places}}
        receipts = [
            Receipt(
                receipt_id=item.receipt_id,
                source_ref=item.source_ref,
                dispute_id=item.dispute_id,
                content_sha256=item.content_sha256.hex(),
                accepted_at=accepted_at,
                stream=names[place.stream],
                position=place.position,
                round=item.round,
            )
            for item, place in zip(new, places, strict=True)
        ]
        if receipts:
            rows = [_row(item, given, micros) for item, given in zip(new, receipts, strict=True)]
            _insert(tx.dialect.name).run(tx, rows)
        return receipts


def _refusal(tx: Transaction, item: _Item, rounds: Mapping[int, SeenReceipt]) -> Refusal | None:
    """Return why a new item may not be taken."""
    if item.round:
        return judging.refusal_of(tx, item.round, rounds)
    return None if rounds else NOT_FOUND.refusal(field="source_ref")


def _opening(number: int) -> int | None:
    """Return the opening that a new round begins with: intake numbers the later ones."""
    return 1 if number == 1 else None


def _verdict(outcome: Verdict | Bug) -> Verdict:
    """Return the outcome when it is a verdict.

    Raises:
        Exception: The outcome is not a verdict but an internal failure.
    """
    if isinstance(outcome, Bug):
        raise outcome.error()
    return outcome


def _answers(outcomes: Sequence[SeenReceipt | Refusal], written: Sequence[Receipt] | Refusal) -> Sequence[Verdict]:
    """Turn known receipts and new ones into answers.

    Only the first item of a new record is not `repeated`.
    """
    answers: list[Verdict] = []
    given: set[int] = set()
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            answers.append(outcome)
        elif outcome.stored is not None:
            answers.append(outcome.stored)
        elif isinstance(written, Refusal):
            answers.append(written)
        else:
            receipt_given = written[outcome.new]
            answers.append(replace(receipt_given, repeated=True) if outcome.new in given else receipt_given)
            given.add(outcome.new)
    return answers


def _with_codes(answers: Sequence[Verdict], by_dispute: Mapping[str, Mapping[int, SeenReceipt]]) -> Sequence[Verdict]:
    """Put the code of a case on the receipts of its later rounds and later facts too."""
    firsts = [stored for rounds in by_dispute.values() if 1 in rounds and (stored := rounds[1].stored) is not None]
    codes = {first.dispute_id: first.case_code for first in firsts if first.case_code}
    if not codes:
        return answers
    return [
        one if isinstance(one, Refusal) else replace(one, case_code=codes.get(one.dispute_id, "")) for one in answers
    ]


@cache
def _known_of(dialect: str) -> sa.Select[Any]:
    """Return the query of known receipts.

    Built once; each list is one value, so that the SQL text stays the same too.
    """
    ids, disputes = among(dialect, receipt.c.receipt_id, "ids"), among(dialect, receipt.c.case_of, "disputes")
    return sa.select(receipt).where(sa.or_(ids, disputes))


@cache
def _insert(dialect: str) -> PreparedStatement:
    return PreparedStatement(dialect, sa.insert(receipt), *(column.key for column in receipt.columns))


def _known(tx: Transaction, items: Sequence[_Item]) -> tuple[dict[str, SeenReceipt], dict[str, dict[int, SeenReceipt]]]:
    """Return receipts by id, and those of records (no later facts) by dispute and round."""
    wanted = {"ids": [item.receipt_id for item in items], "disputes": [item.dispute_id for item in items]}
    by_id, by_dispute = dict[str, SeenReceipt](), dict[str, dict[int, SeenReceipt]]()
    for row in tx.execute(_known_of(tx.dialect.name), wanted):
        seen = SeenReceipt(
            row.dispute_id,
            bytes(row.content_sha256),
            row.agency,
            row.source_ref,
            opening=row.opening,
            stored=read_receipt(row, repeated=True),
        )
        by_id[row.receipt_id] = seen
        if row.case_of is not None:
            by_dispute.setdefault(row.case_of, {})[row.round] = seen
    return by_id, by_dispute


def read_receipt(row: sa.Row[Any], *, repeated: bool = False) -> Receipt:
    """Return the receipt of a table row."""
    return Receipt(
        receipt_id=row.receipt_id,
        source_ref=row.source_ref,
        dispute_id=row.dispute_id,
        content_sha256=bytes(row.content_sha256).hex(),
        accepted_at=from_micros(row.accepted_at),
        stream=row.stream,
        position=row.position,
        repeated=repeated,
        round=row.round,
        case_code=row.case_code,
    )


def _row(item: _Item, given: Receipt, accepted_at: int) -> tuple[object, ...]:
    """Return a receipt in column order."""
    return (
        item.receipt_id,
        item.agency,
        item.source_ref,
        item.key,
        item.dispute_id,
        item.dispute_id if item.round else None,
        item.content_sha256,
        accepted_at,
        given.stream,
        given.position,
        item.correlation_id,
        item.round,
        _opening(item.round),
        "",
    )
