"""Guards from registration to mediation.

Up to the end of the mediation's preparation. Each returns its reason code, or None.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from msgspec.structs import fields

from dispute.lifecycle.commands import (
    Accept,
    BeginMediation,
    Bounce,
    Dispatch,
    EscalateLevel,
    Extend,
    RefuseMediation,
    Resume,
    Sign,
    Suspend,
)
from dispute.lifecycle.dimensions import Dimensions
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.identity import dispute_id_of
from dispute.lifecycle.own_commands import Register, RequestInformation, Resubmit
from dispute.lifecycle.provisional import DateName, SettleDueDates
from dispute.lifecycle.situation import AMOUNT_LIMIT_FEN, Situation, are_texts, is_code, is_pseudonym, is_text
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import (
    LEVELS,
    SIGN_OFF_EXPIRED,
    Channel,
    Clarity,
    DispatchMode,
    FailureReason,
    Level,
    MediationKind,
    Regime,
    Role,
    Stage,
    SuspendReason,
)
from dispute.refusals import commands as refusals
from hub.errors import Code

BOUNCES_BEFORE_COUNTY: Final = 3
"""After this many bounces the county decides."""
MAY_TRY_AGAIN: Final = frozenset(
    {
        FailureReason.REFUSED,
        FailureReason.UNREACHABLE,
        FailureReason.DEADLOCK,
        FailureReason.TERM_EXPIRED,
        FailureReason.UNSIGNED,
    }
)
"""Failures that a further attempt may follow; none follows what the law excludes from mediation."""
CLEAR_ENOUGH: Final = frozenset({Clarity.CLEAR, Clarity.FAIRLY_CLEAR})
FINAL_STATES: Final = frozenset({State.RETURNED, State.REFERRED, State.CLOSED})
FINAL_EVENTS: Final = tuple(kind for kind in EventKind if kind.is_final)
LATER: Final = (
    "level",
    "lead_department",
    "organisation",
    "mediation_kind",
    "dispatch_mode",
    "mediator_id",
    "colour",
    "outcome_form",
    "outcome_code",
)
_texts_of: Final = attrgetter(*(entry.name for entry in fields(Dimensions)))
DIVISIONS: Final = (("county_code", 6), ("town_code", 9), ("village_code", 12))


# T1
def id_is_made_of_source(at: Situation, order: Register) -> Code | None:
    """One matter, one code: the id is made of the agency and its reference."""
    organ = order.agency or order.dimensions.source_organ
    return None if at.command.dispute_id == dispute_id_of(organ, order.source_ref) else refusals.WRONG_DISPUTE_ID


def source_is_named(_: Situation, order: Register) -> Code | None:
    """The source's own reference is given."""
    return None if order.source_ref else refusals.SOURCE_REF_MISSING


def nothing_premature(_: Situation, order: Register) -> Code | None:
    """A dispute starts uncoloured, without lead, mediator and outcome."""
    return refusals.DIMENSIONS_PREMATURE if any(getattr(order.dimensions, name) for name in LATER) else None


def divisions_nest(_: Situation, order: Register) -> Code | None:
    """County 6, town 9, village 12 digits, each the start of the next."""
    return None if nests(order.dimensions) else refusals.DIVISION_MISMATCH


def regime_fits_channel(_: Situation, order: Register) -> Code | None:
    """The court channel has a regime; no other has."""
    has = order.dimensions.regime is not Regime.NONE
    return None if has == (order.dimensions.channel is Channel.COURT) else refusals.REGIME_MISMATCH


def texts_are_plain(_: Situation, order: Register) -> Code | None:
    """Codes are short and printable."""
    return None if are_texts((order.source_ref, *_texts_of(order.dimensions))) else refusals.TEXT_MALFORMED


def amount_in_dispute(_: Situation, order: Register) -> Code | None:
    """The amount in dispute is not negative and within reason."""
    return None if 0 <= order.amount_fen <= AMOUNT_LIMIT_FEN else refusals.BAD_AMOUNT


def nests(dimensions: Dimensions) -> bool:
    """Tell whether the division codes that are set have their lengths and lie in one another."""
    above = ""
    for name, digits in DIVISIONS:
        code: str = getattr(dimensions, name)
        if not code:
            continue
        if len(code) != digits or not (code.isascii() and code.isdigit()) or not code.startswith(above):
            return False
        above = code
    return True


# T3 to T5, and T28
def something_is_missing(at: Situation, order: RequestInformation) -> Code | None:
    """A request names what is lacking and how long the screening waits."""
    known = order.wait_until or at.known.screen_by
    return None if order.missing and known is not None else refusals.NOTHING_MISSING


def round_is_next(at: Situation, order: Resubmit) -> Code | None:
    """Each round follows the one before, after its final result."""
    if order.round != at.known.round + 1:
        return refusals.ROUND_NOT_NEXT
    over = at.known.state in FINAL_STATES or any(at.known.times(kind) for kind in FINAL_EVENTS)
    return None if over else refusals.ROUND_NOT_OVER


def exclusion_is_named(_: Situation, order: RefuseMediation) -> Code | None:
    """A refusal names its exclusion; clause and rule version are plain text."""
    if not is_code(order.reason_code):
        return refusals.REASON_MALFORMED
    return None if is_text(order.clause) and is_text(order.rule_version) else refusals.TEXT_MALFORMED


def relation_is_clear(_: Situation, order: Accept) -> Code | None:
    """The legal relation is at least fairly clear (001-19)."""
    return None if order.relation_clarity in CLEAR_ENOUGH else refusals.RELATION_UNCLEAR


def facts_are_clear(_: Situation, order: Accept) -> Code | None:
    """The facts are at least fairly clear (001-19)."""
    return None if order.facts_clarity in CLEAR_ENOUGH else refusals.FACTS_UNCLEAR


def all_consent(_: Situation, order: Accept) -> Code | None:
    """All sides consented; nobody is forced into mediation."""
    return None if order.consent_of_all else refusals.CONSENT_MISSING


def acceptance_texts(_: Situation, order: Accept) -> Code | None:
    """Clause and rule version are plain text."""
    return None if is_text(order.clause) and is_text(order.rule_version) else refusals.TEXT_MALFORMED


# T7 to T9
def one_lead(_: Situation, order: Dispatch) -> Code | None:
    """Exactly one lead, never among the co-handlers, nobody twice."""
    named = (order.lead_department, *order.co_departments)
    if not order.lead_department:
        return refusals.LEAD_MISSING
    if not all(name and is_text(name) for name in named) or not is_text(order.organisation):
        return refusals.TEXT_MALFORMED
    return None if len(set(named)) == len(named) else refusals.LEAD_AMONG_CO


def level_is_not_lower(at: Situation, order: Dispatch) -> Code | None:
    """Lowest level first: within an opening the level only rises; which organ is lowest is rule data."""
    if order.level is Level.NONE:
        return refusals.LEVEL_MISSING
    dispute = at.known
    if dispute.times(EventKind.BOUNCED) >= BOUNCES_BEFORE_COUNTY and order.level is not Level.COUNTY:
        return refusals.COUNTY_DECIDES
    now = dispute.dimensions.level
    again = dispute.times(EventKind.DISPATCHED) > 0 and now is not Level.NONE
    return refusals.LEVEL_LOWER if again and LEVELS.index(order.level) < LEVELS.index(now) else None


def mode_is_named(_: Situation, order: Dispatch) -> Code | None:
    """转办 or 交办 (004-09)."""
    return refusals.DISPATCH_MODE_MISSING if order.dispatch_mode is DispatchMode.NONE else None


def dispatch_limits(at: Situation, order: Dispatch) -> Code | None:
    """The sign-off limit lies after the dispatch, the due date not before it."""
    if order.sign_by is not None and order.sign_by.tzinfo is None:
        return refusals.NAIVE_TIME
    if order.sign_by is not None and order.sign_by <= at.command.occurred_at:
        return refusals.SIGN_BY_PAST
    moves = order.due_on is not None and not at.known.term_runs
    return refusals.DUE_DATE_PAST if moves and order.due_on is not None and order.due_on < at.day else None


def this_dispatch_is_signed(at: Situation, _: Sign) -> Code | None:
    """A signature of before a further dispatch was given to an earlier one, which is over."""
    dispute = at.known
    again = dispute.times(EventKind.DISPATCHED) + dispute.times(EventKind.LEVEL_ESCALATED) > 1
    earlier = dispute.since is not None and at.command.occurred_at < dispute.since
    return refusals.DISPATCHED_ANEW if again and earlier else None


def signed_in_time(at: Situation, _: Sign) -> Code | None:
    """The handler signs within the limit, if it is known; afterwards the dispute is bounced and dispatched again."""
    limit = at.known.sign_by
    late = limit is not None and at.command.occurred_at > limit
    return refusals.SIGNED_LATE if late and not at.known.is_provisional(DateName.SIGN_BY) else None


def term_has_an_end(at: Situation, order: Sign) -> Code | None:
    """The first signature starts the term, so its last day is known, from the dispatch or from here."""
    dispute = at.known
    if dispute.term_runs:
        return None
    due = order.due_on or dispute.cohort.due_on
    if due is None:
        return refusals.DUE_DATE_MISSING
    return refusals.DUE_DATE_PAST if order.due_on is not None and due < at.day else None


def bounce_is_reasoned(_: Situation, order: Bounce) -> Code | None:
    """A bounce gives its reason."""
    return None if is_code(order.reason_code) else refusals.REASON_MALFORMED


def sign_off_is_over(at: Situation, order: Bounce) -> Code | None:
    """Nobody is bounced for not signing before the sign-off limit, nor while it is provisional."""
    if order.reason_code != SIGN_OFF_EXPIRED:
        return None
    if at.known.is_provisional(DateName.SIGN_BY):
        return refusals.DATE_PROVISIONAL
    limit = at.known.sign_by
    return refusals.SIGN_OFF_RUNS if limit is None or at.command.occurred_at < limit else None


# T10 to T13
def mediator_is_named(_: Situation, order: BeginMediation) -> Code | None:
    """A mediator, by pseudonym, and the kind of mediation."""
    if not is_pseudonym(order.mediator_id):
        return refusals.MEDIATOR_MALFORMED
    return refusals.MEDIATION_KIND_MISSING if order.mediation_kind is MediationKind.NONE else None


def mediator_is_accepted(_: Situation, order: BeginMediation) -> Code | None:
    """The parties chose or accepted the mediator; not accepting is refusing (特邀 11, 12)."""
    return None if order.parties_accepted_mediator else refusals.MEDIATOR_NOT_ACCEPTED


def no_conflict(_: Situation, order: BeginMediation) -> Code | None:
    """The mediator has no interest in the matter."""
    return None if order.no_conflict_of_interest else refusals.CONFLICT_OF_INTEREST


def rights_notice_is_given(_: Situation, order: BeginMediation) -> Code | None:
    """The parties were told their rights."""
    return None if order.rights_notice_given else refusals.RIGHTS_NOT_TOLD


def level_above_exists(at: Situation, _: EscalateLevel) -> Code | None:
    """There is a level above this one."""
    return refusals.TOP_LEVEL if at.known.dimensions.level is Level.COUNTY else None


def escalation_is_complete(_: Situation, order: EscalateLevel) -> Code | None:
    """The higher level's lead and the reason are given."""
    if not order.lead_department:
        return refusals.LEAD_MISSING
    if not is_text(order.lead_department):
        return refusals.TEXT_MALFORMED
    return None if is_code(order.reason_code) else refusals.REASON_MALFORMED


def before_filing(at: Situation, order: Suspend) -> Code | None:
    """Appraisal before filing (在线 26) can't happen to a suit that is filed (regime B)."""
    stops = order.reason_code is SuspendReason.APPRAISAL_BEFORE_FILING
    filed = at.known.dimensions.regime is Regime.B or at.known.stage is Stage.IN_LITIGATION
    return refusals.ALREADY_FILED if stops and filed else None


def stop_moves_due_date(at: Situation, order: Resume) -> Code | None:
    """The due date moves by the days that the clock stood still, as the calendar counts them, and only then."""
    dispute = at.known
    if dispute.clock_stopped_on is None or dispute.cohort.due_on is None:
        return None if order.due_on is None else refusals.CLOCK_RUNS
    return refusals.DUE_DATE_MISSING if order.due_on is None else last_day_is_counted(at, order)


def by_leader_on_petition(at: Situation, _: Extend) -> bool:
    """A leader extends a petition's statutory limit (信访工作条例 34); anyone else extends the mediation term."""
    return at.known.dimensions.channel is Channel.PETITION and at.command.actor.role is Role.LEADER


def by_leader_of_police(at: Situation, _: Extend) -> bool:
    """The approving organ extends the time of a police case (公安行政案件程序规定 165), with nobody's consent."""
    return at.known.dimensions.channel is Channel.POLICE and at.command.actor.role is Role.LEADER


def second_attempt_is_left(at: Situation, _: BeginMediation) -> Code | None:
    """A further attempt is made once, within the rule's days of a first one that failed (公安行政案件程序规定 183)."""
    dispute, last_day = at.known, at.command.limit.begin_by or at.command.limit.last_day
    first = dispute.times(EventKind.MEDIATION_BEGUN) > 0 and dispute.dimensions.outcome_code in MAY_TRY_AGAIN
    if last_day is None or not first or dispute.times(EventKind.FAILED) > 1:
        return refusals.NO_SECOND_ATTEMPT
    return refusals.SECOND_ATTEMPT_LATE if at.day > last_day else None


def extension_is_allowed(at: Situation, _: Extend) -> Code | None:
    """The rules know an extension of this limit; none of a police mediation (公安行政案件程序规定 165, 183)."""
    return refusals.NO_EXTENSION if at.command.limit.extension is None else None


def extension_has_consent(_: Situation, order: Extend) -> Code | None:
    """All sides agreed to go on; one silent is no consent."""
    return None if order.consent_of_all else refusals.CONSENT_MISSING


def extension_is_bounded(at: Situation, order: Extend) -> Code | None:
    """One day to as many as the rule gives at a time."""
    rule = at.command.limit.extension
    if rule is None or order.days < 1 or (rule.days is not None and order.days > rule.days):
        return refusals.BAD_DAYS
    return refusals.DUE_DATE_MISSING if order.due_on is None else None


def extension_is_left(at: Situation, _: Extend) -> Code | None:
    """Once in an opening where the rule says so; else each further one needs consent and carries its own ordinal."""
    again = at.known.times(EventKind.EXTENDED) > 0
    return refusals.EXTENDED_ALREADY if again and _is_single(at) else None


def extension_gives_days(at: Situation, _: Extend) -> Code | None:
    """The end moves; what the law sets beside the term may leave no day of an extension."""
    return refusals.NO_DAYS_LEFT if at.command.limit.days == 0 else None


def statutory_limit_is_left(at: Situation, _: Extend) -> Code | None:
    """There is a statutory limit; where the rule says so it is extended once, and a relapse gives no second time."""
    if at.known.cohort.statutory_due_on is None:
        return refusals.NO_STATUTORY_LIMIT
    return refusals.EXTENDED_ALREADY if at.known.statutory_extended and _is_single(at) else None


def _is_single(at: Situation) -> bool:
    rule = at.command.limit.extension
    return rule is not None and rule.once


def last_day_is_counted(at: Situation, order: Resume | Extend) -> Code | None:
    """The new last day is the one that the calendar counted."""
    return None if order.due_on == at.command.limit.last_day else refusals.DUE_DATE_INCONSISTENT


# D1
def dates_are_provisional(at: Situation, order: SettleDueDates) -> Code | None:
    """Only a date that is provisional is counted again; one that people were told as certain stays."""
    marks = {(mark.name, mark.day) for mark in at.known.provisional}
    named = {(date.name, date.before) for date in order.dates}
    return None if named and named <= marks else refusals.NOT_PROVISIONAL
