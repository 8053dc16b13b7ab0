"""Decides what later facts mean for a dispute.

The result depends on the dispute's state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from dispute.lifecycle import (
    Agree,
    Channel,
    DateName,
    Dispute,
    EventKind,
    Exclude,
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
from services.intake.law.facts import Facts, without_violation
from services.intake.law.handoff import LaterFact, Ruling, Withdrawal
from services.intake.law.registration import decided_by, sent_back
from services.intake.law.reports import CHANGES, with_report
from services.intake.law.rulebook import Rulebook
from services.intake.law.screening import exclusion_of, screen

IN_HAND: Final = frozenset({State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
"""Accepted and not yet concluded."""

WITHDRAWABLE: Final = IN_HAND | {State.REGISTERED, State.SCREENING, State.NOT_MEDIABLE, State.JC_REFUSED}
SETTLED: Final = {
    "withdrawn_after_settlement": OutcomeForm.WITHDRAWN_AFTER_SETTLEMENT,
    "self_settled": OutcomeForm.SELF_SETTLED,
}
WITHDRAWN: Final = "withdrawn"
CORRECTED: Final = "source_corrected"


class Reaction(Struct, frozen=True):
    """What a later fact means.

    Attributes:
        orders: Instructions; none without effect.
        facts: Facts of the case from now on; None when they stay.
    """

    orders: tuple[Instruction, ...] = ()
    facts: Facts | None = None


class Situation(Struct, frozen=True):
    """A case that a later fact is about.

    Attributes:
        dispute: As it stands.
        facts: What its source recorded; None where that is not known.
        at: When the fact happened.
        evidence: SHA-256 of its content: the evidence when it reports a performance.
    """

    dispute: Dispute
    facts: Facts | None
    at: datetime
    evidence: bytes = b""


def react(case: Situation, body: LaterFact | Withdrawal | Ruling, book: Rulebook) -> Reaction | Refusal:
    """Return what a later fact means.

    Refusals: `linked_duplicate`: an earlier release gave the case to its master, so a person decides.
    `refused_already`: the consent came after the case was sent back; its source hands it over anew. `unknown_fact`,
    `unknown_code`.

    Args:
        case: What it is about.
        body: The later fact.
        book: Rules.
    """
    if case.dispute.state is State.DUPLICATE:
        return LINKED_DUPLICATE.refusal()
    orders: tuple[Instruction, ...] | Refusal
    match body:
        case Ruling(confirmed, reason_code):
            orders = (RecordRuling(confirmed, reason_code),)
        case Withdrawal(reason_code):
            orders = _withdrawn(case.dispute, reason_code)
        case LaterFact() if body.kind in CHANGES:
            return _changed(case, body, book)
        case LaterFact():
            orders = _fact(case, body)
    return orders if isinstance(orders, Refusal) else Reaction(orders)


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


def _changed(case: Situation, fact: LaterFact, book: Rulebook) -> Reaction | Refusal:
    """Return what a fact means that the screening looks at."""
    dispute = case.dispute
    now = with_report(case.facts, fact)
    if _in_screening(case):
        return Reaction(_screened(dispute, now, fact, book), now)
    if dispute.state in IN_HAND:
        return Reaction(_stopped(dispute, now, fact, book), now)
    refused = dispute.cohort.accepted_on is None and dispute.times(EventKind.MEDIATION_REFUSED)
    if fact.kind == "consent_given" and refused:
        return REFUSED_ALREADY.refusal()
    return Reaction(_reclassified(dispute, fact), now)


def _screened(dispute: Dispute, now: Facts | None, fact: LaterFact, book: Rulebook) -> tuple[Instruction, ...]:
    """Screen a waiting case anew, by its facts and the later one."""
    if now is None:
        # An earlier release kept no facts: only a refusal can be told from the fact alone.
        return _refused_unseen(dispute, fact, book)
    verdict = screen(now, book.screening)
    corrected = _reclassified(dispute, fact)
    # The screening was over, or lacks the same as before: nothing is asked anew.
    if verdict.missing and (dispute.state is not State.SCREENING or verdict.missing == dispute.missing):
        return corrected
    return (*corrected, *decided_by(verdict, now, dispute.dimensions.channel, book))


def _stopped(dispute: Dispute, now: Facts | None, fact: LaterFact, book: Rulebook) -> tuple[Instruction, ...]:
    """Stop a mediation that a side refuses, or that turns out to be excluded; a court gets it back from a person."""
    if fact.kind == "consent_refused":
        return (Fail(FailureReason.REFUSED),)
    corrected = _reclassified(dispute, fact)
    excluded = exclusion_of(now, book.screening) if now is not None and corrected else None
    if excluded is None:
        return corrected
    channel, reason = dispute.dimensions.channel, excluded.reason_code
    back = () if channel is Channel.COURT else sent_back(channel, reason)
    return (*corrected, Exclude(reason, excluded.clause), *back)


def _in_screening(case: Situation) -> bool:
    """Tell whether the dispute waits in screening, or waited when the fact happened."""
    return case.dispute.state is State.SCREENING or any(
        each.limit == DateName.SCREEN_BY and case.at < each.at for each in case.dispute.checkpoints
    )


def _fact(case: Situation, fact: LaterFact) -> tuple[Instruction, ...] | Refusal:
    dispute = case.dispute
    orders: tuple[Instruction, ...] | Refusal = ()
    match fact.kind:
        case "performed" if not dispute.times(EventKind.PERFORMED):
            orders = (RecordPerformance(case.evidence.hex()),)
        case "not_performed" if not dispute.times(EventKind.NOT_PERFORMED):
            orders = (RecordNonPerformance(remedy_of(dispute, case.facts)),)
        case "performed" | "not_performed" | "other":
            pass
        case _:
            orders = UNKNOWN_FACT.refusal()
    return orders


def _refused_unseen(dispute: Dispute, fact: LaterFact, book: Rulebook) -> tuple[Instruction, ...]:
    """Return the instructions of a refusal, when the other facts are not known.

    A party's refusal ends mediation at once, in every channel.
    """
    if fact.kind != "consent_refused":
        return _reclassified(dispute, fact)
    refusal = RefuseMediation(CONSENT_REFUSED.name, book.screening.consent_clause, book.version)
    return (refusal, *sent_back(dispute.dimensions.channel, refusal.reason_code))


def _reclassified(dispute: Dispute, fact: LaterFact) -> tuple[Instruction, ...]:
    now = dispute.dimensions
    if fact.kind != "reclassified":
        return ()
    if fact.category in {"", now.category} and fact.case_cause in {"", now.case_cause}:
        return ()
    return (Reclassify(category=fact.category, case_cause=fact.case_cause, reason_code=CORRECTED),)


def remedy_of(dispute: Dispute, facts: Facts | None) -> Remedy:
    """Return the remedy after non-performance.

    Enforcement of what a court confirmed or issued; the police resume their procedure, where there was a violation; all
    others sue (T20).
    """
    issued = dispute.dimensions.outcome_form is OutcomeForm.MEDIATION_STATEMENT
    if dispute.state is State.JC_CONFIRMED or issued:
        return Remedy.ENFORCEMENT
    police = dispute.dimensions.channel is Channel.POLICE
    return Remedy.PENALTY_PROCEDURE if police and not without_violation(facts) else Remedy.SUIT
