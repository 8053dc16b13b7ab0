"""Decides what later facts mean for a dispute.

The result depends on the dispute's state.
"""

from __future__ import annotations

from typing import Final

from dispute.lifecycle import (
    Agree,
    Channel,
    Dispute,
    EventKind,
    Fail,
    FailureReason,
    Instruction,
    OutcomeForm,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RefuseMediation,
    Remedy,
    State,
    Withdraw,
    WithdrawReason,
)
from dispute.refusals.cases import CONSENT_REFUSED
from dispute.refusals.interfaces import LINKED_DUPLICATE, REFUSED_ALREADY, UNKNOWN_CODE, UNKNOWN_FACT
from hub.errors import Refusal
from services.intake.law.handoff import LaterFact, Ruling, Withdrawal
from services.intake.law.registration import sent_back
from services.intake.law.rulebook import Rulebook

IN_HAND: Final = frozenset({State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
"""Accepted and not yet concluded."""

WITHDRAWABLE: Final = IN_HAND | {State.REGISTERED, State.SCREENING, State.NOT_MEDIABLE, State.JC_REFUSED}
SETTLED: Final = {
    "withdrawn_after_settlement": OutcomeForm.WITHDRAWN_AFTER_SETTLEMENT,
    "self_settled": OutcomeForm.SELF_SETTLED,
}
WITHDRAWN: Final = "withdrawn"
CORRECTED: Final = "source_corrected"


def react(
    dispute: Dispute, body: LaterFact | Withdrawal | Ruling, evidence: bytes, book: Rulebook
) -> tuple[Instruction, ...] | Refusal:
    """Return the instructions of a later fact; none without effect.

    Refusals: `linked_duplicate`: it belongs to the master, so a person decides. `refused_already`: the consent came
    after the case was sent back. `unknown_fact`, `unknown_code`.

    Args:
        dispute: As it stands.
        body: The later fact.
        evidence: SHA-256 of its content: the evidence when it reports a performance.
        book: Rules.
    """
    if dispute.state is State.DUPLICATE:
        return LINKED_DUPLICATE.refusal()
    match body:
        case Ruling(confirmed, reason_code):
            return (RecordRuling(confirmed, reason_code),)
        case Withdrawal(reason_code):
            return _withdrawn(dispute, reason_code)
        case LaterFact():
            return _fact(dispute, body, evidence, book)


def _withdrawn(dispute: Dispute, reason_code: str) -> tuple[Instruction, ...] | Refusal:
    """Return the instructions of a withdrawal.

    A withdrawal after a settlement is a success (特邀 20, opinion point 4). A case that the hub has sent back stays as
    it is.
    """
    form = SETTLED.get(reason_code)
    if form is None and reason_code != WITHDRAWN:
        return UNKNOWN_CODE.refusal(field="case_withdrawn.reason_code", listed="withdrawal_reason")
    if dispute.state not in WITHDRAWABLE:
        return ()
    if form is not None and dispute.state in IN_HAND:
        return (Agree(outcome_form=form),)
    return (Withdraw(WithdrawReason.OTHER if form is not None else WithdrawReason.APPLICANT_WITHDREW),)


def _fact(dispute: Dispute, fact: LaterFact, evidence: bytes, book: Rulebook) -> tuple[Instruction, ...] | Refusal:
    orders: tuple[Instruction, ...] | Refusal = ()
    match fact.kind:
        case "consent_refused":
            orders = _refused(dispute, book)
        case "consent_given":
            orders = _consented(dispute)
        case "reclassified":
            orders = _reclassified(dispute, fact)
        case "performed" if not dispute.times(EventKind.PERFORMED):
            orders = (RecordPerformance(evidence.hex()),)
        case "not_performed" if not dispute.times(EventKind.NOT_PERFORMED):
            orders = (RecordNonPerformance(_remedy(dispute)),)
        case "performed" | "not_performed" | "other":
            pass
        case _:
            orders = UNKNOWN_FACT.refusal()
    return orders


def _refused(dispute: Dispute, book: Rulebook) -> tuple[Instruction, ...]:
    """Return the instructions of a refusal.

    A party's refusal ends mediation at once, in every channel.
    """
    if dispute.state in IN_HAND:
        return (Fail(FailureReason.REFUSED),)
    if dispute.state is State.SCREENING:
        refusal = RefuseMediation(CONSENT_REFUSED.name, book.screening.consent_clause, book.version)
        return (refusal, *sent_back(dispute.dimensions.channel, refusal.reason_code))
    return ()


def _consented(dispute: Dispute) -> tuple[Instruction, ...] | Refusal:
    if dispute.cohort.accepted_on is None and dispute.times(EventKind.MEDIATION_REFUSED):
        return REFUSED_ALREADY.refusal()
    return ()


def _reclassified(dispute: Dispute, fact: LaterFact) -> tuple[Instruction, ...]:
    now = dispute.dimensions
    if fact.category in {"", now.category} and fact.case_cause in {"", now.case_cause}:
        return ()
    return (Reclassify(category=fact.category, case_cause=fact.case_cause, reason_code=CORRECTED),)


def _remedy(dispute: Dispute) -> Remedy:
    """Return the remedy after non-performance.

    Enforcement of what a court confirmed or issued; the police resume their procedure; all others sue (T20).
    """
    issued = dispute.dimensions.outcome_form is OutcomeForm.MEDIATION_STATEMENT
    if dispute.state is State.JC_CONFIRMED or issued:
        return Remedy.ENFORCEMENT
    return Remedy.PENALTY_PROCEDURE if dispute.dimensions.channel is Channel.POLICE else Remedy.SUIT
