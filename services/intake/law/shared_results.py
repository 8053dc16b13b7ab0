"""Decides what an outcome of one dispute means for the others of its matter.

A matter that is settled, or that failed, at one channel is settled for all of them; each hears it as its own result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from msgspec import Struct, json

from dispute.lifecycle import (
    Actor,
    Dispute,
    Event,
    EventKind,
    Instruction,
    OutcomeForm,
    RecordNonPerformance,
    RecordPerformance,
    Role,
    ShareAgreement,
    ShareFailure,
    Unshare,
)
from dispute.lifecycle.event_types import Agreed, Failed, Performed
from dispute.lifecycle.identity import NAMESPACE, id_within
from dispute.lifecycle.link_payloads import Unlinked
from services.intake.law.facts import Facts
from services.intake.law.later_facts import remedy_of

SHARER: Final = Actor(Role.SYSTEM, "matter")
"""Who tells the other disputes of a matter; what it says is not passed on again."""
OWN_FAILURES: Final = frozenset({"T15a", "T15b"})
"""A failure by mediation; an exclusion concerns only the dispute that it came to light at."""


SECOND_ATTEMPT: Final = "T10b"
"""It takes the failure back, also where it was heard."""
HEARD: Final = frozenset(
    {
        EventKind.AGREED,
        EventKind.FAILED,
        EventKind.PERFORMED,
        EventKind.NOT_PERFORMED,
        EventKind.UNLINKED,
        EventKind.MEDIATION_BEGUN,
    }
)
"""Events that may tell the other disputes something; most tell nothing, and are asked for each one written."""


class SharedResult(Struct, frozen=True):
    """What another dispute of the matter hears.

    Attributes:
        shared_from: Dispute whose outcome it is.
        correlation_id: Of the event that tells the outcome.
    """

    shared_from: str
    correlation_id: str


class SharedAgreement(SharedResult, frozen=True, tag="agreement"):
    """An agreement."""

    outcome_form: OutcomeForm
    amount_fen: int = 0
    document_sha256: str = ""
    partial: bool = False


class SharedFailure(SharedResult, frozen=True, tag="failure"):
    """A failure of the mediation."""

    reason_code: str


class SharedPerformance(SharedResult, frozen=True, tag="performance"):
    """A performance, with its evidence."""

    evidence_sha256: str


class SharedNonPerformance(SharedResult, frozen=True, tag="non_performance"):
    """An agreement that was not performed."""


class SharedWithdrawal(SharedResult, frozen=True, tag="withdrawal"):
    """What was heard counts no more: its dispute left the matter, or tries again."""


AnyResult: TypeAlias = SharedAgreement | SharedFailure | SharedPerformance | SharedNonPerformance | SharedWithdrawal


class SharedEffect(Struct, frozen=True):
    """A result on its way to another dispute of the matter.

    Attributes:
        effect_id: Made of the event and of the dispute that hears it; the id of the command.
        dispute_id: Dispute that hears it.
        occurred_at: When the outcome happened.
        recorded_at: When its event was written down; effects are carried out in this order.
        sequence: Number of the event at its own dispute.
        result: What is heard.
    """

    effect_id: str
    dispute_id: str
    occurred_at: datetime
    recorded_at: datetime
    sequence: int
    result: AnyResult


def result_of(event: Event) -> AnyResult | None:
    """Return what an event tells the other disputes of its matter; None when it tells them nothing.

    The end of a term is none of theirs: it is a limit of one channel, and a paper that comes later may take it back.
    """
    if event.type not in HEARD or (event.actor_role, event.actor_id) == (SHARER.role, SHARER.actor_id):
        return None
    whose = (event.dispute_id, event.correlation_id)
    result: AnyResult | None = None
    match event.type, event.payload:
        case EventKind.AGREED, Agreed() as of:
            form = event.dimensions.outcome_form
            result = SharedAgreement(*whose, form, of.amount_fen, of.document_sha256, of.partial)
        case EventKind.FAILED, Failed() if event.transition in OWN_FAILURES and not event.limit:
            result = SharedFailure(*whose, event.reason_code)
        case EventKind.PERFORMED, Performed() as of:
            result = SharedPerformance(*whose, of.document_sha256)
        case EventKind.NOT_PERFORMED, _:
            result = SharedNonPerformance(*whose)
        case EventKind.UNLINKED, _:
            result = SharedWithdrawal(*whose)
        case EventKind.MEDIATION_BEGUN, _ if event.transition == SECOND_ATTEMPT:
            result = SharedWithdrawal(*whose)
        case _:
            pass
    return result


def listeners_of(event: Event, others_of: Callable[[str], Sequence[str]]) -> Sequence[str]:
    """Return the disputes that hear an event.

    Args:
        event: What happened.
        others_of: Returns the other disputes of a dispute's matter as it stands after the event.
    """
    if not isinstance(event.payload, Unlinked):
        return others_of(event.dispute_id)
    # It has left the matter: those who stay hear it.
    first = event.payload.master_dispute_id
    return [first, *(each for each in others_of(first) if each != event.dispute_id)]


def effect_of(event: Event, result: AnyResult, dispute_id: str, recorded_at: datetime) -> SharedEffect:
    """Return the effect of an event on another dispute."""
    effect_id = effect_id_of(event.event_id, dispute_id)
    return SharedEffect(effect_id, dispute_id, event.occurred_at, recorded_at, event.sequence, result)


def effect_id_of(event_id: str, dispute_id: str) -> str:
    """Return the id of an event's effect on another dispute."""
    return id_within(NAMESPACE.bytes, f"effect\x1f{event_id}\x1f{dispute_id}")


def instruction_of(result: AnyResult, dispute: Dispute, facts: Facts | None) -> Instruction | None:
    """Return the instruction by which a dispute hears a result.

    None when the result is none of its own: only who heard of an agreement hears what became of it.
    """
    match result:
        case SharedAgreement() as of:
            return ShareAgreement(of.shared_from, of.outcome_form, of.amount_fen, of.document_sha256, of.partial)
        case SharedFailure() as of:
            return ShareFailure(of.shared_from, of.reason_code)
        case SharedPerformance() as of if dispute.shared_from == of.shared_from:
            return RecordPerformance(of.evidence_sha256)
        case SharedNonPerformance() as of if dispute.shared_from == of.shared_from:
            return RecordNonPerformance(remedy_of(dispute, facts))
        case SharedWithdrawal() as of if dispute.shared_from == of.shared_from:
            return Unshare(of.shared_from)
        case _:
            return None


_decoder: Final[json.Decoder[AnyResult]] = json.Decoder(AnyResult)


def result_to_bytes(result: AnyResult) -> bytes:
    """Return a result as JSON."""
    return json.encode(result)


def result_from_bytes(content: bytes) -> AnyResult:
    """Return the result of its JSON."""
    return _decoder.decode(content)
