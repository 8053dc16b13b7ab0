"""Reads the register for gRPC.

One dispute, pages of disputes, of alarms and of sealed exits, a history, the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

import sqlalchemy as sa

from dispute.case_code import parse_case_code
from dispute.contracts.codec import dispute_to_wire, state_from_bytes, timestamp_of
from dispute.lifecycle import Channel, Dispute, State, Supervision, is_dispute_id
from dispute.lifecycle.identity import is_uuid
from dispute.lifecycle.vocabulary import RUNGS
from dispute.refusals.interfaces import BAD_PAGE_SIZE, BAD_PAGE_TOKEN, UNKNOWN_CODE, UNKNOWN_DISPUTE
from dispute.wire.intake.v1 import intake_pb2
from hub.store.store import Transaction
from services.intake.cases.own_events import events_of
from services.intake.cases.rights import is_within
from services.intake.cases.sealed_exits import SealedExit, exits_after
from services.intake.cases.tables import dispute
from services.intake.law.rulebook import Rulebook
from services.intake.law.state_limits import limit_of_state
from services.intake.law.timers import running

Code = TypeVar("Code", State, Channel, Supervision)

Asked: TypeAlias = (
    intake_pb2.GetDisputeRequest
    | intake_pb2.GetHistoryRequest
    | intake_pb2.GetPartiesRequest
    | intake_pb2.ApproveShreddingRequest
    | intake_pb2.ShredPartyRequest
)
"""Names a dispute by its id, its printed code, or both."""

PAGE: Final = 100
LARGEST_PAGE: Final = 1000


def one_dispute(
    tx: Transaction, request: intake_pb2.GetDisputeRequest, area: str, book: Rulebook, now: datetime
) -> intake_pb2.GetDisputeResponse:
    """Return a dispute, and which of its limits ends first.

    Args:
        tx: Snapshot of the store.
        request: Which dispute.
        area: Of the caller: a dispute outside of it is answered like one that does not exist.
        book: Rules.
        now: By the clock of the limits.

    Raises:
        Rejected: `unknown_dispute`; `case_code_malformed`, `case_code_check` for a code that was typed wrong.
    """
    its = found_dispute(tx, request, area)
    limits = ((limit.end, name, not limit.certain) for name, limit in running(its, book).items())
    following = min(limits, default=None)
    if following is None:
        return intake_pb2.GetDisputeResponse(dispute=dispute_to_wire(its))
    end, name, provisional = following
    return intake_pb2.GetDisputeResponse(
        dispute=dispute_to_wire(its),
        next_limit=intake_pb2.NextLimit(
            name=name, ends_at=timestamp_of(end), provisional=provisional, passed=end <= now
        ),
    )


def page_of_disputes(
    tx: Transaction, request: intake_pb2.ListDisputesRequest, area: str
) -> intake_pb2.ListDisputesResponse:
    """Return a page in ascending order of id.

    The token is the last id of the page before. A page is shorter where disputes of it lie outside of the caller's
    area.

    Raises:
        Rejected: `unknown_code`, `bad_page_size`, `bad_page_token`.
    """
    its = dispute.c.state == _member(State, request.state, "state").value if request.state else sa.true()
    states, following = _page(tx, request, area, its)
    return intake_pb2.ListDisputesResponse(
        disputes=[dispute_to_wire(state) for state in states], next_page_token=following
    )


def page_of_alarms(
    tx: Transaction, request: intake_pb2.ListAlarmsRequest, area: str, book: Rulebook
) -> intake_pb2.ListAlarmsResponse:
    """Return a page of disputes under supervision in ascending order of id.

    The token is the last id of the page before. A page is shorter where disputes of it lie outside of the caller's
    area.

    Raises:
        Rejected: `unknown_code`, `bad_page_size`, `bad_page_token`.
    """
    least = _member(Supervision, request.level or Supervision.REMINDED, "level")
    levels = [each.value for each in RUNGS[max(RUNGS.index(least), RUNGS.index(Supervision.REMINDED)) :]]
    states, following = _page(tx, request, area, dispute.c.supervision.in_(levels))
    return intake_pb2.ListAlarmsResponse(
        disputes=[_supervised(state, book) for state in states], next_page_token=following
    )


def page_of_exits(tx: Transaction, request: intake_pb2.ListSealedExitsRequest) -> intake_pb2.ListSealedExitsResponse:
    """Return a page of sealed exits in ascending order of id.

    The token is the last id of the page before.

    Raises:
        Rejected: `bad_page_size`, `bad_page_token`.
    """
    size = _page_size(request.page_size)
    if request.page_token and not is_uuid(request.page_token):
        raise BAD_PAGE_TOKEN.error()
    found = exits_after(tx, request.page_token, size + 1, waiting_only=request.waiting_only)
    return intake_pb2.ListSealedExitsResponse(
        exits=[_exit_to_wire(each) for each in found[:size]],
        next_page_token=found[size - 1].exit_id if len(found) > size else "",
    )


def history_of(tx: Transaction, request: intake_pb2.GetHistoryRequest, area: str) -> intake_pb2.GetHistoryResponse:
    """Return every event of a dispute, from the journal's records.

    Raises:
        Rejected: As `one_dispute`.
    """
    dispute_id = found_dispute(tx, request, area).dispute_id
    return intake_pb2.GetHistoryResponse(events=events_of(tx, [dispute_id])[dispute_id])


def found_dispute(
    tx: Transaction,
    request: Asked,
    area: str,
) -> Dispute:
    """Return the dispute that is asked for, by id, by code, or by both.

    A code with a wrong digit is refused by name before anything is looked up: it may be another case's.
    """
    query = sa.select(dispute.c.snapshot)
    if request.case_code:
        query = query.where(dispute.c.case_code == str(parse_case_code(request.case_code)))
    if request.dispute_id or not request.case_code:
        # An id that is none finds nothing; the store is not asked for it.
        if not is_dispute_id(request.dispute_id):
            raise UNKNOWN_DISPUTE.error()
        query = query.where(dispute.c.dispute_id == request.dispute_id)
    row = tx.execute(query).one_or_none()
    its = None if row is None else state_from_bytes(row.snapshot)
    if its is None or not is_within(area, its):
        raise UNKNOWN_DISPUTE.error()
    return its


def _page_size(asked: int) -> int:
    size = asked or PAGE
    if not 1 <= size <= LARGEST_PAGE:
        raise BAD_PAGE_SIZE.error(least=1, most=LARGEST_PAGE)
    return size


def _page(
    tx: Transaction,
    request: intake_pb2.ListDisputesRequest | intake_pb2.ListAlarmsRequest,
    area: str,
    condition: sa.ColumnElement[bool],
) -> tuple[Sequence[Dispute], str]:
    """Return the states of a page of disputes, in ascending order of id, and the token of the next page."""
    size = _page_size(request.page_size)
    if request.page_token and not is_dispute_id(request.page_token):
        raise BAD_PAGE_TOKEN.error()
    query = sa.select(dispute.c.dispute_id, dispute.c.snapshot)
    query = query.where(dispute.c.dispute_id > request.page_token, condition)
    if request.channel:
        query = query.where(dispute.c.channel == _member(Channel, request.channel, "channel").value)
    rows = tx.execute(query.order_by(dispute.c.dispute_id).limit(size + 1)).all()
    following = rows[size - 1].dispute_id if len(rows) > size else ""
    states = (state_from_bytes(row.snapshot) for row in rows[:size])
    return [its for its in states if is_within(area, its)], following


def _supervised(its: Dispute, book: Rulebook) -> intake_pb2.SupervisedDispute:
    row = limit_of_state(its, book)
    return intake_pb2.SupervisedDispute(
        dispute=dispute_to_wire(its),
        alarms=[
            intake_pb2.Alarm(limit=each.limit, level=each.rung.value, at=timestamp_of(each.at)) for each in its.alarms
        ],
        owner="" if row is None else row.owner,
    )


def _exit_to_wire(each: SealedExit) -> intake_pb2.SealedExit:
    return intake_pb2.SealedExit(
        exit_id=each.exit_id,
        organ=each.organ,
        received_at=timestamp_of(each.received_at),
        target=each.target,
        fetched_at=None if each.fetched_at is None else timestamp_of(each.fetched_at),
    )


def _member(kind: type[Code], text: str, field: str) -> Code:
    try:
        return kind(text)
    except ValueError as error:
        raise UNKNOWN_CODE.error(field=field, listed=kind.__name__) from error
