"""Effects of allowed instructions.

Dimensions, cohort dates, payload and retractions of the event.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import event_types as e
from dispute.lifecycle.commands import (
    Agree,
    BeginFollowUp,
    BeginMediation,
    Bounce,
    ChangeColour,
    Close,
    Dispatch,
    EscalateLevel,
    Extend,
    Fail,
    Instruction,
    Rate,
    ReachMilestone,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RecordVisit,
    Refer,
    Reopen,
    Resume,
    ReturnToSource,
    Sign,
    Supervise,
    Suspend,
    Track,
    Withdraw,
)
from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.dispute import CountedFact, Dispute
from dispute.lifecycle.events import NOTHING, Retraction
from dispute.lifecycle.link_payloads import Payload
from dispute.lifecycle.own_commands import (
    Exclude,
    Register,
    ShareFailure,
)
from dispute.lifecycle.provisional import DateName
from dispute.lifecycle.situation import Situation
from dispute.lifecycle.vocabulary import (
    LEVELS,
    RUNGS,
    SIGN_OFF_EXPIRED,
    Colour,
    FailureReason,
    MediationKind,
    OutcomeForm,
    Regime,
    Stage,
    Supervision,
)


class Change(Struct, frozen=True):
    """Values of an event; the defaults keep the current ones."""

    dimensions: Dimensions
    cohort: CohortDates
    payload: Payload = NOTHING
    reason_code: str = ""
    retracts: tuple[Retraction, ...] = ()
    limit: str = ""


def keep(dispute: Dispute, payload: Payload = NOTHING, reason_code: str = "") -> Change:
    """Return a change of nothing but payload and reason."""
    return Change(dispute.dimensions, dispute.cohort, payload, reason_code)


def concluded(dispute: Dispute, day: date) -> CohortDates:
    """Return the cohort dates of a dispute concluded on a day; the first conclusion of an opening stays."""
    known = dispute.cohort
    return known if known.concluded_on else replace(known, concluded_on=day)


def retraction(
    fact: CountedFact, restated_as: Dimensions | None = None, restated_cohort: CohortDates | None = None
) -> Retraction:
    """Return the retraction of a counted fact.

    It counts again under `restated_as`, when that is given.
    """
    return Retraction(
        fact.type,
        fact.business_day,
        fact.dimensions,
        fact.sequence,
        fact.cohort,
        fact.ordinal,
        fact.conclusion_ordinal,
        fact.reopen_seq,
        restated=restated_as is not None,
        restated_as=restated_as,
        restated_cohort=restated_cohort,
    )


def without_outcome(dimensions: Dimensions) -> Dimensions:
    """Return the dimensions without mediator and outcome."""
    return replace(
        dimensions,
        mediator_id="",
        mediation_kind=MediationKind.NONE,
        outcome_form=OutcomeForm.NONE,
        outcome_code="",
    )


def unchanged(at: Situation, _: Instruction) -> Change:
    """Change only the state."""
    return keep(at.known)


def dispatch(at: Situation, order: Dispatch) -> Change:
    """Set the lead; once the term runs, its last day stays."""
    dimensions = replace(
        at.known.dimensions,
        lead_department=order.lead_department,
        level=order.level,
        dispatch_mode=order.dispatch_mode,
        organisation=order.organisation,
        mediation_kind=order.mediation_kind,
    )
    payload = e.Dispatched(clause=at.command.limit.clause, co_departments=order.co_departments, sign_by=order.sign_by)
    return Change(dimensions, _first_due(at.known, order.due_on), payload)


def sign(at: Situation, order: Sign) -> Change:
    """Start the term; a later signature of the opening does not restart it."""
    payload = e.Signed(clause=at.command.limit.clause)
    return Change(at.known.dimensions, _first_due(at.known, order.due_on), payload)


def _first_due(dispute: Dispute, due_on: date | None) -> CohortDates:
    if due_on is None or dispute.term_runs:
        return dispute.cohort
    return replace(dispute.cohort, due_on=due_on)


def bounce(at: Situation, order: Bounce) -> Change:
    """Keep the lead department on the event.

    So bounces are counted by department. A dispatch that nobody signed in time is overdue; a higher supervision level
    stays.
    """
    expired = order.reason_code == SIGN_OFF_EXPIRED
    overdue = expired and RUNGS.index(at.known.supervision) < RUNGS.index(Supervision.OVERDUE)
    change = keep(at.known, e.Bounced(Supervision.OVERDUE if overdue else None), order.reason_code)
    return replace(change, limit=DateName.SIGN_BY.value) if expired else change


def begin_mediation(at: Situation, order: BeginMediation) -> Change:
    """Set the mediator.

    After a refused confirmation, the earlier outcome is removed because it no longer describes the dispute, and a new
    term runs. The signature started the first one; the rules count it anew where it depends on who mediates.
    """
    dimensions = replace(
        without_outcome(at.known.dimensions), mediator_id=order.mediator_id, mediation_kind=order.mediation_kind
    )
    limit = at.command.limit
    if limit.last_day is None:
        return Change(dimensions, at.known.cohort, e.MediationBegun())
    return Change(dimensions, replace(at.known.cohort, due_on=limit.last_day), e.MediationBegun(clause=limit.clause))


def attempt_again(at: Situation, order: BeginMediation) -> Change:
    """Take the failure back: the mediation goes on, for the last time."""
    dispute = at.known
    begun = begin_mediation(at, order)
    failures = [fact for fact in dispute.counted if fact.type is e.EventKind.FAILED]
    own = [fact for fact in failures if fact.reopen_seq == dispute.reopen_seq]
    cohort = replace(begun.cohort, concluded_on=None)
    return replace(begun, cohort=cohort, retracts=tuple(retraction(fact) for fact in own[-1:]))


def escalate(at: Situation, order: EscalateLevel) -> Change:
    """Move one level up to a new lead, without mediator; cohort dates stay."""
    dispute = at.known
    above = LEVELS[LEVELS.index(dispute.dimensions.level) + 1]
    dimensions = replace(
        dispute.dimensions,
        level=above,
        lead_department=order.lead_department,
        organisation="",
        mediator_id="",
        mediation_kind=MediationKind.NONE,
    )
    others = tuple(name for name in dispute.co_departments if name != order.lead_department)
    return Change(dimensions, dispute.cohort, e.LevelEscalated(co_departments=others), order.reason_code)


def suspend(at: Situation, order: Suspend) -> Change:
    """Note the reason; `evolve` stops the clock by it."""
    return keep(at.known, reason_code=order.reason_code)


def resume(at: Situation, order: Resume) -> Change:
    """Move the due date only after a stopped clock."""
    if order.due_on is None:
        return keep(at.known, e.Resumed())
    before = at.known.cohort
    payload = e.Resumed(clause=at.command.limit.clause, due_before=before.due_on)
    return Change(at.known.dimensions, replace(before, due_on=order.due_on), payload)


def extend_term(at: Situation, order: Extend) -> Change:
    """Move the mediation term."""
    before = at.known.cohort
    payload = _extended(at, order, before.due_on)
    return Change(at.known.dimensions, replace(before, due_on=order.due_on), payload)


def extend_statutory(at: Situation, order: Extend) -> Change:
    """Move only the statutory petition limit."""
    before = at.known.cohort
    payload = _extended(at, order, before.statutory_due_on)
    return Change(at.known.dimensions, replace(before, statutory_due_on=order.due_on), payload)


def _extended(at: Situation, order: Extend, due_before: date | None) -> e.Extended:
    """Tell the days that were given; what was asked for only where the statute cut it."""
    limit = at.command.limit
    if limit.days is None:
        return e.Extended(clause=limit.clause, days=order.days, due_before=due_before)
    return e.Extended(clause=limit.clause, days=limit.days, days_asked=order.days, due_before=due_before)


def agree(at: Situation, order: Agree) -> Change:
    """Note form and document of the agreement.

    The first agreement and the first conclusion of an opening keep their days. A suit that is filed (regime B) ends in
    a statement or a withdrawal, never in a confirmation, even when the command claims it; so does one that the court
    entrusted in litigation.
    """
    cohort = concluded(at.known, at.day)
    if cohort.agreed_on is None:
        cohort = replace(cohort, agreed_on=at.day)
    filed = at.known.dimensions.regime is Regime.B or at.known.stage is Stage.IN_LITIGATION
    confirmable = order.confirmable and not filed
    payload = e.Agreed(
        amount_fen=order.amount_fen,
        document_sha256=order.document_sha256,
        partial=order.partial,
        oral=order.oral_recorded,
        confirmable=confirmable,
        confirm_by=order.confirm_by if confirmable else None,
        clause=at.command.limit.clause,
        severable=order.severable,
        made_by=order.made_by,
    )
    dimensions = replace(at.known.dimensions, outcome_form=order.outcome_form, outcome_code="")
    return Change(dimensions, cohort, payload)


def end_without_agreement(at: Situation, order: Fail | Withdraw | ShareFailure | Exclude) -> Change:
    """Note the reason."""
    dimensions = replace(at.known.dimensions, outcome_form=OutcomeForm.NONE, outcome_code=str(order.reason_code))
    return Change(dimensions, concluded(at.known, at.day), reason_code=order.reason_code)


def fail(at: Situation, order: Fail) -> Change:
    """Note the reason; that the term expired may be taken back by a paper of before."""
    expired = order.reason_code is FailureReason.TERM_EXPIRED
    payload = e.Failed(clause=at.command.limit.clause)
    return replace(end_without_agreement(at, order), payload=payload, limit=DateName.DUE_ON.value if expired else "")


def exclude(at: Situation, order: Exclude) -> Change:
    """Note the exclusion that came to light."""
    return replace(end_without_agreement(at, order), payload=e.Failed(clause=order.clause))


def rule(at: Situation, order: RecordRuling) -> Change:
    """Note the ruling; a counted agreement stays counted."""
    return keep(at.known, reason_code="" if order.confirmed else order.reason_code)


def perform(at: Situation, order: RecordPerformance) -> Change:
    """Note the evidence."""
    return keep(at.known, e.Performed(order.evidence_sha256, order.penalty, at.command.limit.clause))


def not_perform(at: Situation, order: RecordNonPerformance) -> Change:
    """Note the remedy."""
    return keep(at.known, e.NotPerformed(target=order.target))


def return_to_source(at: Situation, order: ReturnToSource) -> Change:
    """Note the target and the packet.

    The reason of the event is the reason of the outcome.
    """
    payload = e.Returned(target=order.target, document_sha256=order.packet_sha256)
    return keep(at.known, payload, at.known.dimensions.outcome_code)


def refer(at: Situation, order: Refer) -> Change:
    """Note the route."""
    return keep(at.known, e.Referred(target=order.target), at.known.dimensions.outcome_code)


def begin_follow_up(at: Situation, order: BeginFollowUp) -> Change:
    """Note the planned day."""
    return keep(at.known, e.FollowUpBegun(visit_on=order.visit_on))


def close(at: Situation, order: Close) -> Change:
    """Strike the dispute off."""
    cohort = replace(at.known.cohort, closed_on=at.day)
    return Change(at.known.dimensions, cohort, e.Closed(reviewer_id=order.reviewer_id))


def track(at: Situation, order: Track) -> Change:
    """Note why it stays under watch."""
    return keep(at.known, reason_code=order.reason_code)


def visit(at: Situation, order: RecordVisit) -> Change:
    """Note the visit."""
    return keep(at.known, e.Visited(clean_visit=order.clean))


def reopen(at: Situation, order: Reopen) -> Change:
    """Open the same dispute again.

    The acceptance starts anew; lead, level and petition limits stay.
    """
    dispute = at.known
    colour = dispute.dimensions.colour if order.colour is Colour.NONE else order.colour
    dimensions = replace(without_outcome(dispute.dimensions), colour=colour)
    cohort = replace(
        dispute.cohort,
        accepted_on=at.day,
        due_on=None,
        agreed_on=None,
        concluded_on=None,
        closed_on=None,
    )
    rung = Supervision.ESCALATED if colour is Colour.RED else Supervision.NORMAL
    payload = e.Reopened(colour_before=dispute.dimensions.colour, supervision=rung)
    return Change(dimensions, cohort, payload, order.reason_code)


def supervise(at: Situation, order: Supervise) -> Change:
    """Note the supervision level."""
    return replace(keep(at.known, e.Supervised(order.rung, at.command.limit.clause)), limit=order.limit)


def colour(at: Situation, order: ChangeColour) -> Change:
    """Change the colour; a leader is responsible for red."""
    rung = Supervision.ESCALATED if order.colour is Colour.RED else None
    payload = e.ColourChanged(at.known.dimensions.colour, rung, order.clause)
    dimensions = replace(at.known.dimensions, colour=order.colour)
    return Change(dimensions, at.known.cohort, payload, order.reason_code)


def milestone(at: Situation, order: ReachMilestone) -> Change:
    """Note the milestone, and whether it was late."""
    due_on = at.command.limit.last_day
    late = due_on is not None and at.day > due_on
    return keep(at.known, e.MilestoneReached(order.milestone, at.command.limit.clause, due_on, late))


def rate(at: Situation, order: Rate) -> Change:
    """Note the rating."""
    return keep(at.known, e.Rated(satisfaction=order.satisfaction))


def source_ref_of(order: Instruction) -> str:
    """Return the source reference of a registration.

    The journal does not carry it; empty for other instructions.
    """
    return order.source_ref if isinstance(order, Register) else ""
