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
    LinkDuplicate,
    RefuseMediation,
    Register,
    Resume,
    Sign,
    Suspend,
)
from dispute.lifecycle.dimensions import Dimensions
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.identity import dispute_id_of, is_dispute_id
from dispute.lifecycle.provisional import DateName, SettleDueDates
from dispute.lifecycle.situation import AMOUNT_LIMIT_FEN, Situation, are_texts, is_code, is_pseudonym, is_text
from dispute.lifecycle.vocabulary import (
    LEVELS,
    SIGN_OFF_EXPIRED,
    Channel,
    Clarity,
    DispatchMode,
    Level,
    MediationKind,
    Regime,
    Role,
    SuspendReason,
)

BOUNCES_BEFORE_COUNTY: Final = 3
"""After this many bounces the county decides."""
CLEAR_ENOUGH: Final = frozenset({Clarity.CLEAR, Clarity.FAIRLY_CLEAR})
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
def id_is_made_of_source(at: Situation, order: Register) -> str | None:
    """One matter, one code: the id is made of the agency and its reference."""
    organ = order.agency or order.dimensions.source_organ
    return None if at.command.dispute_id == dispute_id_of(organ, order.source_ref) else "wrong_dispute_id"


def source_is_named(_: Situation, order: Register) -> str | None:
    """The source's own reference is given."""
    return None if order.source_ref else "source_ref_missing"


def nothing_premature(_: Situation, order: Register) -> str | None:
    """A dispute starts uncoloured, without lead, mediator and outcome."""
    return "dimensions_premature" if any(getattr(order.dimensions, name) for name in LATER) else None


def divisions_nest(_: Situation, order: Register) -> str | None:
    """County 6, town 9, village 12 digits, each the start of the next."""
    return None if nests(order.dimensions) else "division_mismatch"


def regime_fits_channel(_: Situation, order: Register) -> str | None:
    """The court channel has a regime; no other has."""
    has = order.dimensions.regime is not Regime.NONE
    return None if has == (order.dimensions.channel is Channel.COURT) else "regime_mismatch"


def texts_are_plain(_: Situation, order: Register) -> str | None:
    """Codes are short and printable."""
    return None if are_texts((order.source_ref, *_texts_of(order.dimensions))) else "text_malformed"


def amount_in_dispute(_: Situation, order: Register) -> str | None:
    """The amount in dispute is not negative and within reason."""
    return None if 0 <= order.amount_fen <= AMOUNT_LIMIT_FEN else "bad_amount"


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


# T2 to T5
def master_is_another(at: Situation, order: LinkDuplicate) -> str | None:
    """The master is the id of another dispute."""
    own = order.master_dispute_id == at.command.dispute_id
    return "bad_master" if own or not is_dispute_id(order.master_dispute_id) else None


def exclusion_is_named(_: Situation, order: RefuseMediation) -> str | None:
    """A refusal names its exclusion; clause and rule version are plain text."""
    if not is_code(order.reason_code):
        return "reason_malformed"
    return None if is_text(order.clause) and is_text(order.rule_version) else "text_malformed"


def relation_is_clear(_: Situation, order: Accept) -> str | None:
    """The legal relation is at least fairly clear (001-19)."""
    return None if order.relation_clarity in CLEAR_ENOUGH else "relation_unclear"


def facts_are_clear(_: Situation, order: Accept) -> str | None:
    """The facts are at least fairly clear (001-19)."""
    return None if order.facts_clarity in CLEAR_ENOUGH else "facts_unclear"


def all_consent(_: Situation, order: Accept) -> str | None:
    """All sides consented; nobody is forced into mediation."""
    return None if order.consent_of_all else "consent_missing"


def acceptance_texts(_: Situation, order: Accept) -> str | None:
    """Clause and rule version are plain text."""
    return None if is_text(order.clause) and is_text(order.rule_version) else "text_malformed"


# T7 to T9
def one_lead(_: Situation, order: Dispatch) -> str | None:
    """Exactly one lead, never among the co-handlers, nobody twice."""
    named = (order.lead_department, *order.co_departments)
    if not order.lead_department:
        return "lead_missing"
    if not all(name and is_text(name) for name in named) or not is_text(order.organisation):
        return "text_malformed"
    return None if len(set(named)) == len(named) else "lead_among_co"


def level_is_not_lower(at: Situation, order: Dispatch) -> str | None:
    """Lowest level first: within an opening the level only rises; which organ is lowest is rule data."""
    if order.level is Level.NONE:
        return "level_missing"
    dispute = at.known
    if dispute.times(EventKind.BOUNCED) >= BOUNCES_BEFORE_COUNTY and order.level is not Level.COUNTY:
        return "county_decides"
    now = dispute.dimensions.level
    again = dispute.times(EventKind.DISPATCHED) > 0 and now is not Level.NONE
    return "level_lower" if again and LEVELS.index(order.level) < LEVELS.index(now) else None


def mode_is_named(_: Situation, order: Dispatch) -> str | None:
    """转办 or 交办 (004-09)."""
    return "dispatch_mode_missing" if order.dispatch_mode is DispatchMode.NONE else None


def dispatch_limits(at: Situation, order: Dispatch) -> str | None:
    """The sign-off limit lies after the dispatch, the due date not before it."""
    if order.sign_by is not None and order.sign_by.tzinfo is None:
        return "naive_time"
    if order.sign_by is not None and order.sign_by <= at.command.occurred_at:
        return "sign_by_past"
    moves = order.due_on is not None and not at.known.term_runs
    return "due_date_past" if moves and order.due_on is not None and order.due_on < at.day else None


def signed_in_time(at: Situation, _: Sign) -> str | None:
    """The handler signs within the limit, if it is known; afterwards the dispute is bounced and dispatched again."""
    limit = at.known.sign_by
    late = limit is not None and at.command.occurred_at > limit
    return "signed_late" if late and not at.known.is_provisional(DateName.SIGN_BY) else None


def term_has_an_end(at: Situation, order: Sign) -> str | None:
    """The first signature starts the term, so its last day is known, from the dispatch or from here."""
    dispute = at.known
    if dispute.term_runs:
        return None
    due = order.due_on or dispute.cohort.due_on
    if due is None:
        return "due_date_missing"
    return "due_date_past" if order.due_on is not None and due < at.day else None


def bounce_is_reasoned(_: Situation, order: Bounce) -> str | None:
    """A bounce gives its reason."""
    return None if is_code(order.reason_code) else "reason_malformed"


def sign_off_is_over(at: Situation, order: Bounce) -> str | None:
    """Nobody is bounced for not signing before the sign-off limit, nor while it is provisional."""
    if order.reason_code != SIGN_OFF_EXPIRED:
        return None
    if at.known.is_provisional(DateName.SIGN_BY):
        return "date_provisional"
    limit = at.known.sign_by
    return "sign_off_runs" if limit is None or at.command.occurred_at < limit else None


# T10 to T13
def mediator_is_named(_: Situation, order: BeginMediation) -> str | None:
    """A mediator, by pseudonym, and the kind of mediation."""
    if not is_pseudonym(order.mediator_id):
        return "mediator_malformed"
    return "mediation_kind_missing" if order.mediation_kind is MediationKind.NONE else None


def mediator_is_accepted(_: Situation, order: BeginMediation) -> str | None:
    """The parties chose or accepted the mediator; not accepting is refusing (特邀 11, 12)."""
    return None if order.parties_accepted_mediator else "mediator_not_accepted"


def no_conflict(_: Situation, order: BeginMediation) -> str | None:
    """The mediator has no interest in the matter."""
    return None if order.no_conflict_of_interest else "conflict_of_interest"


def rights_are_told(_: Situation, order: BeginMediation) -> str | None:
    """The parties were told their rights."""
    return None if order.rights_notice_given else "rights_not_told"


def level_above_exists(at: Situation, _: EscalateLevel) -> str | None:
    """There is a level above this one."""
    return "top_level" if at.known.dimensions.level is Level.COUNTY else None


def escalation_is_complete(_: Situation, order: EscalateLevel) -> str | None:
    """The higher level's lead and the reason are given."""
    if not order.lead_department:
        return "lead_missing"
    if not is_text(order.lead_department):
        return "text_malformed"
    return None if is_code(order.reason_code) else "reason_malformed"


def before_filing(at: Situation, order: Suspend) -> str | None:
    """Appraisal before filing (在线 26) can't happen to a suit that is filed (regime B)."""
    stops = order.reason_code is SuspendReason.APPRAISAL_BEFORE_FILING
    return "already_filed" if stops and at.known.dimensions.regime is Regime.B else None


def stop_moves_due_date(at: Situation, order: Resume) -> str | None:
    """The due date moves by the days that the clock stood still, as the calendar counts them, and only then."""
    dispute = at.known
    if dispute.clock_stopped_on is None or dispute.cohort.due_on is None:
        return None if order.due_on is None else "clock_runs"
    return "due_date_missing" if order.due_on is None else last_day_is_counted(at, order)


def by_leader_on_petition(at: Situation, _: Extend) -> bool:
    """A leader extends a petition's statutory limit (信访工作条例 34); anyone else extends the mediation term."""
    return at.known.dimensions.channel is Channel.PETITION and at.command.actor.role is Role.LEADER


def extension_is_allowed(at: Situation, _: Extend) -> str | None:
    """The rules know an extension of this limit; none of a police mediation (公安行政案件程序规定 165, 183)."""
    return "no_extension" if at.command.limit.extension is None else None


def extension_has_consent(_: Situation, order: Extend) -> str | None:
    """All sides agreed to go on; one silent is no consent."""
    return None if order.consent_of_all else "consent_missing"


def extension_is_bounded(at: Situation, order: Extend) -> str | None:
    """One day to as many as the rule gives at a time."""
    rule = at.command.limit.extension
    if rule is None or not 1 <= order.days <= rule.days:
        return "bad_days"
    return "due_date_missing" if order.due_on is None else None


def extension_is_left(at: Situation, _: Extend) -> str | None:
    """Once in an opening where the rule says so; else each further one needs consent and carries its own ordinal."""
    again = at.known.times(EventKind.EXTENDED) > 0
    return "extended_already" if again and _is_single(at) else None


def statutory_limit_is_left(at: Situation, _: Extend) -> str | None:
    """There is a statutory limit; where the rule says so it is extended once, and a relapse gives no second time."""
    if at.known.cohort.statutory_due_on is None:
        return "no_statutory_limit"
    return "extended_already" if at.known.statutory_extended and _is_single(at) else None


def _is_single(at: Situation) -> bool:
    rule = at.command.limit.extension
    return rule is not None and rule.once


def last_day_is_counted(at: Situation, order: Resume | Extend) -> str | None:
    """The new last day is the one that the calendar counted."""
    return None if order.due_on == at.command.limit.last_day else "due_date_inconsistent"


# D1
def dates_are_provisional(at: Situation, order: SettleDueDates) -> str | None:
    """Only a date that is provisional is counted again; one that people were told as certain stays."""
    marks = {(mark.name, mark.day) for mark in at.known.provisional}
    named = {(date.name, date.before) for date in order.dates}
    return None if named and named <= marks else "not_provisional"
