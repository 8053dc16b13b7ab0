"""Handles requests of REST and gRPC: parsed body to verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Generic, cast
from uuid import uuid4

import sqlalchemy as sa

from bridge.accepting.acceptance import Acceptance
from bridge.accepting.admission import read_receipt
from bridge.outbound import results
from bridge.outbound.results import Result
from bridge.record.codelists import CodeLists
from bridge.record.dto import ReferringModel, read
from bridge.record.facts import Receipt, Record, RecordT, Report, Sender, Submission, Verdict, in_order
from bridge.record.references import References
from bridge.specification import Specification
from bridge.tables import receipt
from dispute.refusals.interfaces import TOO_MANY
from hub.access.verifier import Caller
from hub.errors import Refusal, Refused
from hub.refusals import BAD_IDEMPOTENCY_KEY, MISSING, NOT_FOUND, OUT_OF_RANGE
from hub.runtime.metrics import Metrics
from hub.runtime.turns import in_turns
from hub.store.store import Store, Transaction

BATCH_LIMIT: Final = 1000
_KEY: Final = re.compile(r"[^\x00-\x20\x7f-\x9f]{1,128}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def sender_of(caller: Caller) -> Sender:
    """Return the agency that calls."""
    return Sender(caller.holder, caller.area)


def correlation_of(given: str | None, traceparent: str | None) -> str:
    """Return the correlation id of a request.

    It links everything that the request causes: the caller's id, its W3C trace id, or a new one.
    """
    if given and _CORRELATION.fullmatch(given):
        return given
    trace = _TRACEPARENT.fullmatch(traceparent or "")
    return trace.group(1) if trace else uuid4().hex


@dataclass(frozen=True, slots=True)
class SubmittedRecord:
    """One record of a request, only parsed.

    Attributes:
        plain: As `bridge.record.dto.read` takes it.
        key: Idempotency key; empty when the agency sent none.
    """

    plain: object
    key: str = ""


class RequestHandler(Generic[RecordT]):
    """Handles the requests of one agency's bridge.

    Every sender given to a method is already authenticated.
    """

    def __init__(
        self,
        spec: Specification[RecordT],
        codes: CodeLists,
        acceptance: Acceptance[RecordT],
        store: Store,
        metrics: Metrics,
        *,
        references: References,
    ) -> None:
        self._spec = spec
        self._codes = codes
        self._references = references
        self._acceptance = acceptance
        self._store = store
        self._metrics = metrics

    async def submit(self, sender: Sender, submitted: SubmittedRecord, correlation_id: str) -> Receipt:
        """Take one record.

        Raises:
            Refused: Why it was not accepted; nothing was stored.
        """
        try:
            submission = self._read(sender, submitted, correlation_id)
        except Refused as refused:
            self._count([refused.refusal])
            raise
        (verdict,) = await self._acceptance.hand_over(sender, [submission])
        return self._given(verdict)

    async def submit_all(
        self, sender: Sender, submitted: Sequence[SubmittedRecord], correlation_id: str
    ) -> list[Verdict]:
        """Take many records; one verdict each, in order.

        Raises:
            Rejected: `too_many` for the batch as a whole.
        """
        if len(submitted) > BATCH_LIMIT:
            raise TOO_MANY.error(field="items", limit=BATCH_LIMIT)
        read_all = [self._read_or_refuse(sender, one, correlation_id) async for one in in_turns(submitted)]
        submissions = [one for one in read_all if isinstance(one, Submission)]
        verdicts = in_order(read_all, await self._acceptance.hand_over(sender, submissions))
        self._count(verdicts)
        return verdicts

    async def report(self, sender: Sender, submitted: SubmittedRecord, correlation_id: str) -> Receipt:
        """Take a later fact.

        Raises:
            Refused: Why it was not accepted; nothing was stored.
        """
        try:
            submission = self._read_report(sender, submitted, correlation_id)
        except Refused as refused:
            self._count([refused.refusal])
            raise
        return self._given(await self._acceptance.report(sender, submission))

    async def get_record(self, sender: Sender, source_ref: str) -> tuple[Receipt, list[Result]]:
        """Return receipt and results of one own reference.

        The receipt is that of the last round; the results are of all rounds.

        Raises:
            Rejected: `not_found`; the same for another agency's reference.
        """
        try:
            dispute_id = self._references.dispute_of(sender.agency, source_ref)
        except Refused:
            raise NOT_FOUND.error(field="source_ref") from None
        return await self._store.read(partial(_get_record, agency=sender.agency, dispute_id=dispute_id))

    async def results_after(self, sender: Sender, cursor: int, limit: int) -> tuple[list[Result], int]:
        """Return results after a cursor, and the next cursor.

        Raises:
            Rejected: `cursor_ahead`, `out_of_range`.
        """
        _check_cursor(cursor, "after")
        if not 0 <= limit <= results.PAGE_LIMIT:
            raise OUT_OF_RANGE.error(field="limit", why=f"0–{results.PAGE_LIMIT}")
        found = await self._store.read(
            lambda tx: results.after(tx, sender.agency, cursor, limit or results.PAGE),
        )
        return found, found[-1].cursor if found else cursor

    async def acknowledge(self, sender: Sender, cursor: int) -> int:
        """Confirm results up to a cursor; returns how many are unconfirmed.

        Raises:
            Rejected: `cursor_ahead`, `out_of_range`.
        """
        _check_cursor(cursor, "cursor")
        return await self._store.write(lambda tx: results.acknowledge(tx, sender.agency, cursor))

    def _read_or_refuse(
        self, sender: Sender, submitted: SubmittedRecord, correlation_id: str
    ) -> Submission[RecordT] | Refusal:
        try:
            return self._read(sender, submitted, correlation_id)
        except Refused as refused:
            return refused.refusal

    def _read(self, sender: Sender, submitted: SubmittedRecord, correlation_id: str) -> Submission[RecordT]:
        # The key first, as with a single record over REST: so REST and gRPC refuse with the same fault.
        key = _key(submitted.key) if submitted.key else ""
        dto = read(self._spec.record, submitted.plain, self._codes)
        return self._submission(sender, dto, cast("RecordT", dto.to_record()), key, correlation_id)

    def _read_report(self, sender: Sender, submitted: SubmittedRecord, correlation_id: str) -> Submission[Report]:
        if not submitted.key:
            raise MISSING.error(field="idempotency_key")
        key = _key(submitted.key)
        dto = read(self._spec.report, submitted.plain, self._codes)
        return self._submission(sender, dto, dto.to_report(), key, correlation_id)

    def _submission(
        self, sender: Sender, dto: ReferringModel, record: Record, key: str, correlation_id: str
    ) -> Submission[Record]:
        """Return a submission with its shared reference.

        Every spelling shares this reference; key, id and digest are made of it.
        """
        reference = self._references.identity(sender.agency, dto.reference)
        digest = dto.under(reference).content_sha256()
        return Submission(record, dto.reference, reference, key or dto.key_under(reference), digest, correlation_id)

    def _given(self, verdict: Verdict) -> Receipt:
        """Count a verdict; raises a refusal."""
        self._count([verdict])
        if isinstance(verdict, Refusal):
            raise verdict.error()
        return verdict

    def _count(self, verdicts: Sequence[Verdict]) -> None:
        source = self._spec.channel
        for verdict in verdicts:
            if isinstance(verdict, Refusal):
                self._metrics.inc("hub_records_refused_total", source=source, code=verdict.code)
            elif not verdict.repeated:
                self._metrics.inc("hub_records_received_total", source=source)


def _check_cursor(cursor: int, field: str) -> None:
    if not 0 <= cursor <= results.CURSOR_LIMIT:
        raise OUT_OF_RANGE.error(field=field)


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise BAD_IDEMPOTENCY_KEY.error(field="idempotency_key")
    return key


def _get_record(tx: Transaction, agency: str, dispute_id: str) -> tuple[Receipt, list[Result]]:
    c = receipt.c
    query = sa.select(receipt).where(c.case_of == dispute_id, c.agency == agency).order_by(c.round)
    rounds = tx.execute(query).all()
    if not rounds:
        raise NOT_FOUND.error(field="source_ref")
    # Results bear the reference as it was first written; the case got its code at the first round.
    last = replace(read_receipt(rounds[-1]), case_code=rounds[0].case_code)
    return last, results.of_reference(tx, agency, rounds[0].source_ref)
