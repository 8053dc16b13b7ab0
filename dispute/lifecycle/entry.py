"""Effects from registration to the screening's verdict, and of a further round."""

from __future__ import annotations

from msgspec.structs import replace

from dispute.lifecycle import event_types as e
from dispute.lifecycle.commands import (
    Accept,
    RefuseMediation,
)
from dispute.lifecycle.dimensions import CohortDates
from dispute.lifecycle.effects import Change, keep, retraction, without_outcome
from dispute.lifecycle.own_commands import (
    NoteUndocked,
    Register,
    RequestInformation,
    Resubmit,
)
from dispute.lifecycle.provisional import DateName
from dispute.lifecycle.situation import Situation


def register(at: Situation, order: Register) -> Change:
    """Start the cohorts; the receipt date is the source's own."""
    cohort = CohortDates(
        received_on=order.received_on,
        registered_on=at.day,
        local_due_on=order.local_due_on,
        statutory_due_on=order.statutory_due_on,
    )
    payload = e.Registered(
        clause=at.command.limit.clause,
        amount_fen=order.amount_fen,
        transitional=order.transitional,
        procedure=order.procedure,
        stage=order.stage,
        preserved_on=order.preserved_on,
        case_code=order.case_code,
    )
    return Change(order.dimensions, cohort, payload)


def refuse_mediation(at: Situation, order: RefuseMediation) -> Change:
    """Note the exclusion."""
    rules = order.rule_version or at.known.dimensions.rule_version
    dimensions = replace(at.known.dimensions, outcome_code=order.reason_code, rule_version=rules)
    limit = DateName.SCREEN_BY.value if order.waited else ""
    payload = e.MediationRefused(clause=order.clause)
    return Change(dimensions, at.known.cohort, payload, order.reason_code, limit=limit)


def accept(at: Situation, order: Accept) -> Change:
    """Start the acceptance cohort."""
    rules = order.rule_version or at.known.dimensions.rule_version
    return Change(
        replace(at.known.dimensions, rule_version=rules),
        replace(at.known.cohort, accepted_on=at.day),
        e.Accepted(clause=order.clause, transitional=order.transitional),
    )


def request_information(at: Situation, order: RequestInformation) -> Change:
    """Note what is lacking, and until when it is waited for."""
    wait_until = order.wait_until or at.known.screen_by
    payload = e.InformationRequested(at.command.limit.clause, order.missing, wait_until)
    return keep(at.known, payload, order.missing[0])


def note_undocked(at: Situation, order: NoteUndocked) -> Change:
    """Take back the facts of this hand-over: what isn't docked isn't counted."""
    dispute = at.known
    dimensions = replace(dispute.dimensions, outcome_code=order.reason_code)
    taken_back = tuple(retraction(fact) for fact in dispute.counted if fact.reopen_seq == dispute.reopen_seq)
    return Change(dimensions, dispute.cohort, e.NotDocked(order.clause), order.reason_code, taken_back)


def resubmit(at: Situation, order: Resubmit) -> Change:
    """Open the dispute for another round; petition limits and the first day of receipt stay."""
    dispute = at.known
    cohort = replace(
        dispute.cohort,
        registered_on=order.received_on,
        accepted_on=None,
        due_on=None,
        agreed_on=None,
        concluded_on=None,
        closed_on=None,
    )
    dimensions = without_outcome(dispute.dimensions)
    return Change(dimensions, cohort, e.Resubmitted(at.command.limit.clause, order.round))
