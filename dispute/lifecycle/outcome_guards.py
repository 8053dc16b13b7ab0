"""Guards of outcomes, exits, follow-up, overlays and corrections.

Each returns its reason code, or None.
"""

from __future__ import annotations

from typing import Final

from dispute.lifecycle.commands import (
    Agree,
    ApplyForConfirmation,
    BeginFollowUp,
    ChangeColour,
    Close,
    Fail,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    Refer,
    Reopen,
    ReturnToSource,
    Supervise,
    Track,
    Withdraw,
)
from dispute.lifecycle.corrections import reclassed
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.guards import nests
from dispute.lifecycle.provisional import DateName
from dispute.lifecycle.situation import (
    AMOUNT_LIMIT_FEN,
    Situation,
    is_code,
    is_digest,
    is_pseudonym,
    is_text,
)
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import (
    COLOURS,
    DOCKED,
    RUNGS,
    SETTLED_FORMS,
    WARNING_COLOURS,
    WHISTLE_BLOWING,
    Channel,
    Colour,
    FailureReason,
    MadeBy,
    OutcomeForm,
    ReferTarget,
    Remedy,
    Role,
    Satisfaction,
    Supervision,
    TrackReason,
)
from dispute.refusals import commands as refusals
from hub.errors import Code

CLEAN_VISITS_TO_CLOSE: Final = 3
NEEDS_SESSION: Final = frozenset({FailureReason.DEADLOCK, FailureReason.UNSIGNED, FailureReason.SHAM})
"""Reasons that need a mediation which has begun."""
NO_PACKET: Final = frozenset({State.NOT_MEDIABLE, State.WITHDRAWN})
"""Nothing was mediated, or the case is over: no packet goes to the court."""


# T14
def form_is_named(_: Situation, order: Agree) -> Code | None:
    """The outcome has a form, and its amount and digest are well formed."""
    if order.outcome_form is OutcomeForm.NONE:
        return refusals.OUTCOME_FORM_MISSING
    if not 0 <= order.amount_fen <= AMOUNT_LIMIT_FEN:
        return refusals.BAD_AMOUNT
    return refusals.DIGEST_MALFORMED if order.document_sha256 and not is_digest(order.document_sha256) else None


def all_signed(_: Situation, order: Agree) -> Code | None:
    """Signed by all; an agreement may be oral when it is recorded; settled parties sign nothing here."""
    oral = order.oral_recorded and order.outcome_form in {OutcomeForm.AGREEMENT, OutcomeForm.OTHER}
    return None if order.signed_by_all or oral or order.outcome_form in SETTLED_FORMS else refusals.UNSIGNED


def statement_is_the_courts(_: Situation, order: Agree) -> Code | None:
    """A 调解书 is issued by a court."""
    wrong = order.outcome_form is OutcomeForm.MEDIATION_STATEMENT and order.made_by is not MadeBy.COURT
    return refusals.STATEMENT_NEEDS_COURT if wrong else None


def confirmable_is_true(_: Situation, order: Agree) -> Code | None:
    """Only an agreement of a committee or an organisation is called confirmable; police agreements are barred."""
    if not order.confirmable:
        return None
    if order.made_by is MadeBy.NONE:
        return refusals.MAKER_MISSING
    barred = order.made_by in {MadeBy.POLICE, MadeBy.COURT}
    return refusals.NOT_CONFIRMABLE if barred or order.outcome_form is not OutcomeForm.AGREEMENT else None


def last_day_fits(at: Situation, order: Agree) -> Code | None:
    """The last day to apply for confirmation is the one that the calendar counted."""
    differs = order.confirmable and order.confirm_by != at.command.limit.last_day
    return refusals.CONFIRM_BY_INCONSISTENT if differs else None


def settled_by_themselves(_: Situation, order: Agree) -> Code | None:
    """Before, or without, a session only the parties' own settlement is a success."""
    return None if order.outcome_form in SETTLED_FORMS else refusals.NOT_SETTLED_FORM


# T15
def session_was_held(_: Situation, order: Fail) -> Code | None:
    """Deadlock, missing signature and sham need a mediation that began; a refusal ends it at once, at any step."""
    return refusals.MEDIATION_NOT_BEGUN if order.reason_code in NEEDS_SESSION else None


def term_is_over(at: Situation, order: Fail) -> Code | None:
    """The term expires on its last day at the earliest, not while the clock stands still or that day is provisional."""
    if order.reason_code is not FailureReason.TERM_EXPIRED:
        return None
    if at.known.clock_stopped_on is not None:
        return refusals.CLOCK_STOPPED
    if at.known.is_provisional(DateName.DUE_ON):
        return refusals.DATE_PROVISIONAL
    due = at.known.cohort.due_on
    return refusals.TERM_NOT_EXPIRED if due is None or at.day < due else None


# T16
def withdrawal_is_not_sealed(at: Situation, _: Withdraw) -> Code | None:
    """Whistle-blowing is not taken back into the open: its one exit stays."""
    return refusals.SEALED_EXIT_ONLY if at.known.dimensions.outcome_code == WHISTLE_BLOWING else None


# T17 to T20
def agreement_is_confirmable(at: Situation, order: ApplyForConfirmation) -> Code | None:
    """The agreement is open to confirmation (民诉解释 355; police agreements are barred).

    Where only a part of it is, a reviewer says so.
    """
    severed = order.severed_part and at.known.severable and at.command.actor.role is Role.REVIEWER
    return None if at.known.confirmable or severed else refusals.NOT_CONFIRMABLE


def both_apply(_: Situation, order: ApplyForConfirmation) -> Code | None:
    """Both sides together (民诉法 205)."""
    return None if order.jointly else refusals.NOT_JOINTLY


def within_thirty_days(at: Situation, _: ApplyForConfirmation) -> Code | None:
    """30 days from the agreement, its day not counted (民诉法 205); the calendar says it of one that names no day."""
    last_day = at.known.confirm_by or at.command.limit.last_day
    late = last_day is None or at.day > last_day
    return refusals.CONFIRMATION_LATE if late and not at.known.is_provisional(DateName.CONFIRM_BY) else None


def is_confirmed(_: Situation, order: RecordRuling) -> bool:
    """The court confirmed."""
    return order.confirmed


def refusal_is_reasoned(_: Situation, order: RecordRuling) -> Code | None:
    """A refusal names its reason."""
    return None if is_code(order.reason_code) else refusals.REASON_MALFORMED


def performance_is_evidenced(_: Situation, order: RecordPerformance) -> Code | None:
    """Performance is evidenced."""
    if not order.evidence_sha256:
        return refusals.EVIDENCE_MISSING
    return None if is_digest(order.evidence_sha256) else refusals.DIGEST_MALFORMED


def something_to_perform(at: Situation, _: RecordPerformance) -> Code | None:
    """There is an agreement of this opening, whose performance was not recorded yet."""
    if at.known.agreement_on is None:
        return refusals.NO_AGREEMENT
    return refusals.PERFORMED_ALREADY if at.known.times(EventKind.PERFORMED) else None


def remedy_fits(at: Situation, order: RecordNonPerformance) -> Code | None:
    """Enforcement of what a court confirmed or issued, suit on what it did not, penalty only in a police case."""
    dispute = at.known
    issued = dispute.dimensions.outcome_form is OutcomeForm.MEDIATION_STATEMENT
    enforceable = dispute.state is State.JC_CONFIRMED or issued
    fits = {
        Remedy.ENFORCEMENT: enforceable,
        Remedy.SUIT: not enforceable,
        Remedy.PENALTY_PROCEDURE: dispute.dimensions.channel is Channel.POLICE,
    }[order.target]
    return None if fits else refusals.WRONG_REMEDY


# T6, T21, T22
def not_whistle_blowing(at: Situation, _: ReturnToSource) -> Code | None:
    """Whistle-blowing goes nowhere but to the discipline inspection body."""
    return refusals.SEALED_EXIT_ONLY if at.known.dimensions.outcome_code == WHISTLE_BLOWING else None


def target_takes_it(at: Situation, order: ReturnToSource) -> Code | None:
    """Back to its own source; from elsewhere to the court when a party elects to sue."""
    channel = at.known.dimensions.channel
    if order.target.value == channel.value:
        return None
    if order.target is not Channel.COURT:
        return refusals.WRONG_RETURN_TARGET
    return None if order.party_elected_suit else refusals.SUIT_NOT_ELECTED


def packet_is_complete(at: Situation, order: ReturnToSource) -> Code | None:
    """After a mediation the court gets the packet: undisputed facts, addresses, complaint, report (在线 17, 21, 22)."""
    if order.packet_sha256:
        return None if is_digest(order.packet_sha256) else refusals.DIGEST_MALFORMED
    owed = order.target is Channel.COURT and at.known.state not in NO_PACKET
    return refusals.PACKET_MISSING if owed else None


def something_is_open(at: Situation, order: ReturnToSource) -> Code | None:
    """After an agreement only its open rest goes back, or a party who is dissatisfied sues."""
    sues = order.target is Channel.COURT and order.party_elected_suit
    rest = at.known.state is State.AGREED and at.known.partial
    return None if sues or rest else refusals.NOTHING_TO_RETURN


def informed_in_writing(_: Situation, order: Refer) -> Code | None:
    """The parties were told in writing."""
    return None if order.told_in_writing else refusals.TOLD_NOT_IN_WRITING


def exit_fits(at: Situation, order: Refer) -> Code | None:
    """To the court by election, to discipline inspection what was excluded, whistle-blowing nowhere else."""
    dimensions = at.known.dimensions
    if order.target is ReferTarget.DISCIPLINE_INSPECTION:
        return None if at.known.state is State.NOT_MEDIABLE else refusals.NOT_FOR_DISCIPLINE
    if dimensions.outcome_code == WHISTLE_BLOWING:
        return refusals.SEALED_EXIT_ONLY
    if order.target is not ReferTarget.COURT:
        return None
    if dimensions.channel is Channel.COURT:
        return refusals.RETURN_INSTEAD
    return None if order.party_elected_suit else refusals.SUIT_NOT_ELECTED


# T23 to T27
def source_is_not_owed(at: Situation, _: BeginFollowUp) -> Code | None:
    """A withdrawn dispute of a source system is returned there first."""
    return refusals.SOURCE_IS_OWED if at.known.dimensions.channel in DOCKED else None


def visit_is_planned(at: Situation, order: BeginFollowUp) -> Code | None:
    """The visit has a day, not before this one."""
    if order.visit_on is None:
        return refusals.VISIT_MISSING
    return refusals.VISIT_PAST if order.visit_on < at.day else None


def two_persons(at: Situation, order: Close) -> Code | None:
    """Striking off takes two different persons."""
    if not is_pseudonym(order.reviewer_id):
        return refusals.REVIEWER_MALFORMED
    return refusals.SAME_PERSON if order.reviewer_id == at.command.actor.actor_id else None


def result_is_settled(_: Situation, order: Close) -> Code | None:
    """The source was told, the party is satisfied or was given an explanation, no sign of relapse."""
    if not order.result_reported:
        return refusals.RESULT_NOT_REPORTED
    if not order.satisfied_or_explained:
        return refusals.NOT_SATISFIED
    return refusals.RELAPSE_SIGN if order.relapse_sign else None


def colour_is_calm(at: Situation, _: Close) -> Code | None:
    """Yellow and red are tracked before they are struck off."""
    return refusals.COLOUR_NEEDS_TRACKING if at.known.dimensions.colour in WARNING_COLOURS else None


def visits_were_clean(at: Situation, _: Close) -> Code | None:
    """Enough clean visits in a row."""
    return None if at.known.clean_visits >= CLEAN_VISITS_TO_CLOSE else refusals.TOO_FEW_CLEAN_VISITS


def tracking_is_reasoned(at: Situation, order: Track) -> Code | None:
    """Tracking for its colour needs yellow or red."""
    calm = at.known.dimensions.colour not in WARNING_COLOURS
    return refusals.COLOUR_NOT_WARNING if order.reason_code is TrackReason.COLOUR and calm else None


def was_accepted_before(at: Situation, _: Reopen) -> Code | None:
    """Only what was once accepted relapses; what was refused is told anew and screened anew."""
    return refusals.NEVER_ACCEPTED if at.known.cohort.accepted_on is None else None


def colour_is_not_lower(at: Situation, order: Reopen) -> Code | None:
    """A relapse never lowers the colour."""
    lower = COLOURS.index(order.colour) < COLOURS.index(at.known.dimensions.colour)
    return refusals.COLOUR_LOWER if order.colour is not Colour.NONE and lower else None


# overlays, milestones, corrections, rating
def rung_rises(at: Situation, order: Supervise) -> Code | None:
    """Upward, a further reminder, or lifted altogether; a red dispute stays with its leader.

    Each limit has levels of its own: one that was missed does not silence the next one.
    """
    now, new = at.known.supervision, order.rung
    if order.limit:
        own = [RUNGS.index(alarm.rung) for alarm in at.known.alarms if alarm.limit == order.limit]
        return refusals.RUNG_NOT_HIGHER if RUNGS.index(new) <= max(own, default=0) else None
    if new is Supervision.NORMAL and at.known.dimensions.colour is Colour.RED:
        return refusals.RED_STAYS_ESCALATED
    lifted = new is Supervision.NORMAL and now is not Supervision.NORMAL
    again = new is now is Supervision.REMINDED
    return None if lifted or again or RUNGS.index(new) > RUNGS.index(now) else refusals.RUNG_NOT_HIGHER


def colour_is_reasoned(at: Situation, order: ChangeColour) -> Code | None:
    """A colour changes, up or down, only with a reason; it is never taken off again."""
    if order.colour is Colour.NONE:
        return refusals.COLOUR_MISSING
    if order.colour is at.known.dimensions.colour:
        return refusals.COLOUR_UNCHANGED
    return None if is_code(order.reason_code) else refusals.REASON_MALFORMED


def milestone_is_new(at: Situation, order: ReachMilestone) -> Code | None:
    """Petitions only, each milestone once in an opening."""
    if at.known.dimensions.channel is not Channel.PETITION:
        return refusals.NOT_A_PETITION
    return refusals.MILESTONE_TWICE if order.milestone in at.known.milestones else None


def correction_is_real(at: Situation, order: Reclassify) -> Code | None:
    """Something changes, with a reason, and the divisions still nest."""
    if not is_code(order.reason_code):
        return refusals.REASON_MALFORMED
    texts = (order.category, order.case_cause, order.town_code, order.village_code, order.grid_code)
    if not all(is_text(text) for text in texts):
        return refusals.TEXT_MALFORMED
    after = reclassed(at.known.dimensions, order)
    if not nests(after):
        return refusals.DIVISION_MISMATCH
    return refusals.NOTHING_CHANGED if after == at.known.dimensions else None


def rating_is_new(at: Situation, order: Rate) -> Code | None:
    """A known code, once in an opening."""
    if order.satisfaction not in set(Satisfaction):
        return refusals.BAD_SATISFACTION
    return refusals.RATED_ALREADY if at.known.times(EventKind.RATED) else None
