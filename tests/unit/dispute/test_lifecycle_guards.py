"""Each guard breaks on the fact it guards, with its own code; and the state stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    TRANSITIONS,
    Actor,
    Agree,
    ApplyForConfirmation,
    BeginFollowUp,
    BeginScreening,
    Bounce,
    ChangeColour,
    Channel,
    Clarity,
    Colour,
    DispatchMode,
    EscalateLevel,
    Extend,
    Fail,
    FailureReason,
    Instruction,
    Level,
    Limit,
    Link,
    MadeBy,
    MediationKind,
    Milestone,
    OutcomeForm,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    Refer,
    ReferTarget,
    RefuseMediation,
    Regime,
    Register,
    Remedy,
    Reopen,
    ReopenReason,
    Resume,
    ReturnToSource,
    Role,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    Track,
    TrackReason,
    Withdraw,
    WithdrawReason,
    dispute_id_of,
)
from dispute.refusals.commands import COMMANDS
from hub.errors import Kind, Rejected
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    CLOSE,
    DIGEST,
    DIMENSIONS,
    DISPATCH,
    DUE,
    EXTENSION,
    FOLLOW_UP,
    ORGAN,
    REGISTER,
    START,
    TODAY,
    Walk,
    agreeing,
    command,
    reach,
    refused,
    registration,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
REGIME_B = replace(REGISTER, dimensions=replace(DIMENSIONS, regime=Regime.B))
UNCLEAR = Clarity.UNCLEAR
PACKETLESS = ReturnToSource(Channel.COURT)


def nothing() -> Walk:
    return Walk()


def at(state: State, start: Register = REGISTER) -> Callable[[], Walk]:
    return lambda: reach(state, start)


def police(state: State) -> Callable[[], Walk]:
    return at(state, registration(Channel.POLICE))


def petition(state: State) -> Callable[[], Walk]:
    start = replace(registration(Channel.PETITION), statutory_due_on=TODAY + 60 * DAY, local_due_on=TODAY + 30 * DAY)
    return at(state, start)


def bounced(times: int) -> Callable[[], Walk]:
    return lambda: reach(State.ACCEPTED).all([DISPATCH, Bounce("not_our_duty")] * times)


def then(walk: Callable[[], Walk], *instructions: Instruction) -> Callable[[], Walk]:
    return lambda: walk().all(instructions)


def whistle(*instructions: Instruction) -> Callable[[], Walk]:
    start = registration(Channel.PETITION)
    return lambda: Walk(start, BeginScreening(), RefuseMediation("whistle_blowing")).all(instructions)


def dims(**changed: str) -> Register:
    return replace(REGISTER, dimensions=replace(DIMENSIONS, **changed))


FILLED = Sign(), BEGIN
HOLIDAY = then(at(State.MEDIATING), replace(AGREE, confirm_by=TODAY + 38 * DAY))
SIGN_BY = then(at(State.ACCEPTED), replace(DISPATCH, sign_by=START + 2 * DAY))
STOPPED = then(at(State.MEDIATING), Suspend(SuspendReason.APPRAISAL_BEFORE_FILING))
FILED_STATEMENT = Agree(OutcomeForm.MEDIATION_STATEMENT, signed_by_all=True, made_by=MadeBy.COURT)
BY_POLICE = replace(AGREE, made_by=MadeBy.POLICE)
GO_ON = Extend(consent_of_all=True, days=30, due_on=DUE + 30 * DAY)
ONCE = agreeing(GO_ON, replace(EXTENSION, once=True))


@dataclass(frozen=True)
class Case:
    """One refusal: in this walk, this instruction, this code."""

    code: str
    walk: Callable[[], Walk]
    instruction: Instruction
    after: timedelta = timedelta(0)
    role: Role = Role.CLERK
    actor: str = "a-1"
    limit: Limit | None = None
    """What intake says of the last day; that it agrees, when there is none."""


C = Case
CASES = [
    # T1
    C("source_ref_missing", nothing, replace(REGISTER, source_ref="")),
    C("wrong_dispute_id", nothing, replace(REGISTER, source_ref="another")),
    C("wrong_dispute_id", nothing, replace(REGISTER, agency="court-620700")),
    C("text_malformed", nothing, dims(case_cause="a\nb")),
    C("text_malformed", nothing, dims(category="9" * 201)),
    C("dimensions_premature", nothing, dims(colour=Colour.GREEN)),
    C("dimensions_premature", nothing, dims(lead_department="justice-bureau")),
    C("dimensions_premature", nothing, dims(outcome_form=OutcomeForm.AGREEMENT)),
    C("division_mismatch", nothing, dims(town_code="620726101")),
    C("division_mismatch", nothing, dims(town_code="6207251")),
    C("division_mismatch", nothing, dims(village_code="62072510100x")),
    C("regime_mismatch", nothing, dims(regime=Regime.NONE)),
    C("regime_mismatch", nothing, dims(channel=Channel.POLICE)),
    C("bad_amount", nothing, replace(REGISTER, amount_fen=-1)),
    # T2 to T6
    C("bad_master", at(State.REGISTERED), Link(command(REGISTER).dispute_id)),
    C("bad_master", at(State.REGISTERED), Link("the other one")),
    C("reason_malformed", at(State.SCREENING), RefuseMediation("")),
    C("reason_malformed", at(State.SCREENING), RefuseMediation("张三不同意")),
    C("text_malformed", at(State.SCREENING), RefuseMediation("excluded", clause="\0")),
    C("relation_unclear", at(State.SCREENING), replace(ACCEPT, relation_clarity=UNCLEAR)),
    C("relation_unclear", at(State.SCREENING), replace(ACCEPT, relation_clarity=Clarity.NONE)),
    C("facts_unclear", at(State.SCREENING), replace(ACCEPT, facts_clarity=UNCLEAR)),
    C("consent_missing", at(State.SCREENING), replace(ACCEPT, consent_of_all=False)),
    C("text_malformed", at(State.SCREENING), replace(ACCEPT, clause="x" * 201)),
    # T7 to T9
    C("lead_missing", at(State.ACCEPTED), replace(DISPATCH, lead_department="")),
    C("lead_among_co", at(State.ACCEPTED), replace(DISPATCH, co_departments=(DISPATCH.lead_department,))),
    C("lead_among_co", at(State.ACCEPTED), replace(DISPATCH, co_departments=("one", "one"))),
    C("text_malformed", at(State.ACCEPTED), replace(DISPATCH, co_departments=("",))),
    C("text_malformed", at(State.ACCEPTED), replace(DISPATCH, organisation="\u202e")),
    C("level_missing", at(State.ACCEPTED), replace(DISPATCH, level=Level.NONE)),
    C("level_lower", bounced(1), replace(DISPATCH, level=Level.GRID)),
    C("county_decides", bounced(3), replace(DISPATCH, level=Level.TOWNSHIP)),
    C("dispatch_mode_missing", at(State.ACCEPTED), replace(DISPATCH, dispatch_mode=DispatchMode.NONE)),
    C("sign_by_past", at(State.ACCEPTED), replace(DISPATCH, sign_by=START)),
    C("naive_time", at(State.ACCEPTED), replace(DISPATCH, sign_by=datetime(2024, 3, 4, 9))),  # noqa: DTZ001 - the case
    C("due_date_past", at(State.ACCEPTED), replace(DISPATCH, due_on=TODAY - DAY)),
    C("signed_late", then(at(State.ACCEPTED), replace(DISPATCH, sign_by=START + DAY)), Sign(), 2 * DAY),
    C("due_date_missing", then(at(State.ACCEPTED), replace(DISPATCH, due_on=None)), Sign()),
    C("due_date_past", at(State.DISPATCHED), Sign(TODAY - DAY)),
    C("reason_malformed", at(State.DISPATCHED), Bounce("")),
    # T10 to T13
    C("mediator_malformed", at(State.SIGNED), replace(BEGIN, mediator_id="")),
    C("mediator_malformed", at(State.SIGNED), replace(BEGIN, mediator_id="王调解")),
    C("sign_off_runs", at(State.DISPATCHED), Bounce(SIGN_OFF_EXPIRED), 99 * DAY),
    C("sign_off_runs", SIGN_BY, Bounce(SIGN_OFF_EXPIRED), 2 * DAY - SECOND),
    C("mediator_malformed", at(State.SIGNED), replace(BEGIN, mediator_id="13800138000")),
    C("mediation_kind_missing", at(State.SIGNED), replace(BEGIN, mediation_kind=MediationKind.NONE)),
    C("mediator_not_accepted", at(State.SIGNED), replace(BEGIN, parties_accepted_mediator=False)),
    C("conflict_of_interest", at(State.SIGNED), replace(BEGIN, no_conflict_of_interest=False)),
    C("rights_not_told", at(State.SIGNED), replace(BEGIN, rights_notice_given=False)),
    C("rights_not_told", at(State.JC_REFUSED), replace(BEGIN, rights_notice_given=False)),
    C("top_level", then(at(State.ACCEPTED), replace(DISPATCH, level=Level.COUNTY), *FILLED), EscalateLevel("x", "y")),
    C("lead_missing", at(State.MEDIATING), EscalateLevel("", "deadlock")),
    C("text_malformed", at(State.MEDIATING), EscalateLevel("a\tb", "deadlock")),
    C("reason_malformed", at(State.MEDIATING), EscalateLevel("county-centre", "")),
    C("already_filed", at(State.MEDIATING, REGIME_B), Suspend(SuspendReason.APPRAISAL_BEFORE_FILING)),
    C("clock_runs", at(State.SUSPENDED), Resume(DUE + DAY)),
    C("due_date_missing", STOPPED, Resume(), 5 * DAY),
    C("due_date_inconsistent", STOPPED, Resume(DUE + 4 * DAY), 5 * DAY, limit=Limit(DUE + 5 * DAY)),
    C("due_date_inconsistent", STOPPED, Resume(DUE + 6 * DAY), 5 * DAY, limit=Limit(DUE + 5 * DAY)),
    C("no_extension", police(State.MEDIATING), GO_ON, limit=Limit()),
    C("no_extension", petition(State.MEDIATING), GO_ON, role=Role.LEADER, limit=Limit(GO_ON.due_on)),
    C("consent_missing", at(State.MEDIATING), replace(GO_ON, consent_of_all=False)),
    C("bad_days", at(State.MEDIATING), replace(GO_ON, days=31)),
    C("bad_days", at(State.MEDIATING), replace(GO_ON, days=0)),
    C("due_date_missing", at(State.MEDIATING), replace(GO_ON, due_on=None)),
    C("due_date_inconsistent", at(State.MEDIATING), replace(GO_ON, due_on=DUE), limit=agreeing(GO_ON)),
    C("extended_already", then(at(State.MEDIATING), GO_ON), GO_ON, limit=ONCE),
    C("no_days_left", at(State.MEDIATING), GO_ON, limit=replace(agreeing(GO_ON), days=0)),
    C("no_statutory_limit", at(State.MEDIATING, registration(Channel.PETITION)), GO_ON, role=Role.LEADER),
    # T14 to T16
    C("outcome_form_missing", at(State.MEDIATING), replace(AGREE, outcome_form=OutcomeForm.NONE)),
    C("bad_amount", at(State.MEDIATING), replace(AGREE, amount_fen=-5)),
    C("digest_malformed", at(State.MEDIATING), replace(AGREE, document_sha256="AB" * 32)),
    C("unsigned", at(State.MEDIATING), replace(AGREE, signed_by_all=False)),
    C("unsigned", at(State.MEDIATING), replace(FILED_STATEMENT, signed_by_all=False, oral_recorded=True)),
    C("statement_needs_court", at(State.MEDIATING), replace(FILED_STATEMENT, made_by=MadeBy.ORGANISATION)),
    C("maker_missing", at(State.MEDIATING), replace(AGREE, made_by=MadeBy.NONE)),
    C("not_confirmable", police(State.MEDIATING), BY_POLICE),
    C("not_confirmable", then(at(State.MEDIATING, REGIME_B), AGREE), ApplyForConfirmation(jointly=True)),
    C("not_confirmable", at(State.MEDIATING), replace(FILED_STATEMENT, confirmable=True)),
    C("confirm_by_inconsistent", at(State.MEDIATING), replace(AGREE, confirm_by=DUE), limit=agreeing(AGREE)),
    C("confirm_by_inconsistent", at(State.MEDIATING), replace(AGREE, confirm_by=None), limit=agreeing(AGREE)),
    C("not_settled_form", at(State.ACCEPTED), AGREE),
    C("not_settled_form", at(State.SUSPENDED), AGREE),
    C("mediation_not_begun", at(State.SIGNED), Fail(FailureReason.DEADLOCK)),
    C("term_not_expired", at(State.MEDIATING), Fail(FailureReason.TERM_EXPIRED), 29 * DAY),
    C("term_not_expired", at(State.ACCEPTED), Fail(FailureReason.TERM_EXPIRED), 99 * DAY),
    C("clock_stopped", STOPPED, Fail(FailureReason.TERM_EXPIRED), 40 * DAY),
    C("sealed_exit_only", whistle(), Withdraw(WithdrawReason.OTHER)),
    # T17 to T20
    C(
        "not_confirmable",
        then(at(State.MEDIATING), replace(AGREE, confirmable=False)),
        ApplyForConfirmation(jointly=True),
    ),
    C("not_jointly", at(State.AGREED), ApplyForConfirmation(jointly=False)),
    C("confirmation_late", at(State.AGREED), ApplyForConfirmation(jointly=True), 32 * DAY),
    C("confirmation_late", HOLIDAY, ApplyForConfirmation(jointly=True), 39 * DAY),
    C("reason_malformed", at(State.JC_PENDING), RecordRuling(confirmed=False)),
    C("evidence_missing", at(State.AGREED), RecordPerformance("")),
    C("digest_malformed", at(State.JC_CONFIRMED), RecordPerformance("xyz")),
    C("no_agreement", then(at(State.RETURNED), FOLLOW_UP), RecordPerformance(DIGEST)),
    C("performed_already", then(at(State.PERFORMED), FOLLOW_UP), RecordPerformance(DIGEST)),
    C("wrong_remedy", at(State.AGREED), RecordNonPerformance(Remedy.ENFORCEMENT)),
    C("wrong_remedy", at(State.JC_CONFIRMED), RecordNonPerformance(Remedy.SUIT)),
    C("wrong_remedy", at(State.AGREED), RecordNonPerformance(Remedy.PENALTY_PROCEDURE)),
    C("wrong_remedy", then(at(State.MEDIATING), FILED_STATEMENT), RecordNonPerformance(Remedy.SUIT)),
    # T6, T21, T22
    C("wrong_return_target", at(State.FAILED), ReturnToSource(Channel.POLICE, DIGEST, party_elected_suit=True)),
    C("suit_not_elected", police(State.WITHDRAWN), ReturnToSource(Channel.COURT, DIGEST)),
    C("packet_missing", at(State.FAILED), PACKETLESS),
    C("packet_missing", at(State.JC_REFUSED), PACKETLESS),
    C("digest_malformed", at(State.FAILED), ReturnToSource(Channel.COURT, "packet")),
    C("nothing_to_return", at(State.AGREED), ReturnToSource(Channel.COURT, DIGEST)),
    C("nothing_to_return", at(State.TRACKING), ReturnToSource(Channel.COURT, DIGEST)),
    C("sealed_exit_only", whistle(), ReturnToSource(Channel.PETITION)),
    C("sealed_exit_only", whistle(), Refer(ReferTarget.ARBITRATION, told_in_writing=True)),
    C("told_not_in_writing", at(State.FAILED), Refer(ReferTarget.ARBITRATION, told_in_writing=False)),
    C("suit_not_elected", police(State.NOT_MEDIABLE), Refer(ReferTarget.COURT, told_in_writing=True)),
    C("return_instead", at(State.FAILED), Refer(ReferTarget.COURT, told_in_writing=True, party_elected_suit=True)),
    C("not_for_discipline", at(State.FAILED), Refer(ReferTarget.DISCIPLINE_INSPECTION, told_in_writing=True)),
    # T23 to T27
    C("source_is_owed", at(State.WITHDRAWN), FOLLOW_UP),
    C("visit_missing", at(State.AGREED), BeginFollowUp(None)),
    C("visit_past", at(State.AGREED), BeginFollowUp(TODAY - DAY)),
    C("reviewer_malformed", at(State.FOLLOW_UP), replace(CLOSE, reviewer_id="")),
    C("same_person", at(State.FOLLOW_UP), replace(CLOSE, reviewer_id="a-1")),
    C("result_not_reported", at(State.FOLLOW_UP), replace(CLOSE, result_reported=False)),
    C("not_satisfied", at(State.FOLLOW_UP), replace(CLOSE, satisfied_or_explained=False)),
    C("relapse_sign", at(State.FOLLOW_UP), replace(CLOSE, relapse_sign=True)),
    C("colour_needs_tracking", then(at(State.FOLLOW_UP), ChangeColour(Colour.YELLOW, "threat")), CLOSE),
    C("too_few_clean_visits", at(State.TRACKING), CLOSE),
    C("colour_not_warning", at(State.FOLLOW_UP), Track(TrackReason.COLOUR)),
    C(
        "never_accepted",
        then(at(State.NOT_MEDIABLE), PACKETLESS, FOLLOW_UP, CLOSE),
        Reopen(ReopenReason.NEW_CALL),
    ),
    C(
        "colour_lower",
        then(at(State.AGREED), ChangeColour(Colour.BLUE, "threat"), FOLLOW_UP, CLOSE),
        Reopen(ReopenReason.NEW_CALL, Colour.GREEN),
    ),
    # overlays, corrections, rating
    C("colour_missing", at(State.ACCEPTED), ChangeColour(Colour.NONE, "calm")),
    C(
        "colour_unchanged",
        then(at(State.ACCEPTED), ChangeColour(Colour.RED, "weapon")),
        ChangeColour(Colour.RED, "weapon"),
    ),
    C("reason_malformed", at(State.ACCEPTED), ChangeColour(Colour.RED, "")),
    C("rung_not_higher", at(State.ACCEPTED), Supervise(Supervision.NORMAL)),
    C(
        "rung_not_higher",
        then(at(State.ACCEPTED), Supervise(Supervision.SUPERVISED)),
        Supervise(Supervision.OVERDUE),
    ),
    C(
        "red_stays_escalated",
        then(at(State.ACCEPTED), ChangeColour(Colour.RED, "weapon")),
        Supervise(Supervision.NORMAL),
    ),
    C("not_a_petition", at(State.ACCEPTED), ReachMilestone(Milestone.MET)),
    C(
        "milestone_twice",
        then(petition(State.ACCEPTED), ReachMilestone(Milestone.MET)),
        ReachMilestone(Milestone.MET),
    ),
    C("reason_malformed", at(State.ACCEPTED), Reclassify(category="0101")),
    C("nothing_changed", at(State.ACCEPTED), Reclassify(category=DIMENSIONS.category, reason_code="clerk_error")),
    C("division_mismatch", at(State.ACCEPTED), Reclassify(town_code="110105001", reason_code="clerk_error")),
    C("text_malformed", at(State.ACCEPTED), Reclassify(case_cause="\x07", reason_code="clerk_error")),
    C("bad_satisfaction", at(State.FOLLOW_UP), Rate(2)),
    C("rated_already", then(at(State.FOLLOW_UP), Rate(0)), Rate(-1)),
    # every command
    C("wrong_state", at(State.DUPLICATE), ACCEPT),
    C("before_registration", at(State.ACCEPTED), DISPATCH, -DAY),
    C("actor_malformed", at(State.ACCEPTED), DISPATCH, actor=""),
    C("actor_malformed", at(State.ACCEPTED), DISPATCH, actor="李四"),
    C("actor_malformed", at(State.ACCEPTED), DISPATCH, actor="11010519491231002X"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{type(case.instruction).__name__}")
def test_guard_refuses_with_its_code(case: Case) -> None:
    walk = case.walk()
    before = walk.dispute
    told = command(case.instruction, at=START + case.after, role=case.role, actor=case.actor)
    told = told if case.limit is None else replace(told, limit=case.limit)
    refusal = refused(before, told)
    row = COMMANDS[case.code]
    assert (refusal.code, refusal.kind, refusal.field) == (row.name, row.kind, row.field)
    assert refusal.detail.startswith(f"{row.zh}（{row.en}）")
    with pytest.raises(Rejected, match=case.code):
        walk.carry_out(told)
    assert walk.dispute is before


@pytest.mark.parametrize(
    ("changed", "code", "kind"),
    [
        ({"expected_sequence": 2}, "stale_sequence", Kind.STALE),
        ({"dispute_id": dispute_id_of(ORGAN, "another")}, "wrong_dispute", Kind.MALFORMED),
        ({"command_id": ""}, "command_id_missing", Kind.MALFORMED),
        ({"occurred_at": datetime(2024, 3, 1, 9)}, "naive_time", Kind.MALFORMED),  # noqa: DTZ001 - the case
        ({"occurred_at": datetime.min.replace(tzinfo=UTC)}, "time_out_of_range", Kind.MALFORMED),
        ({"occurred_at": datetime.max.replace(tzinfo=UTC)}, "time_out_of_range", Kind.MALFORMED),
        ({"actor": Actor(Role.CLERK, "a b")}, "actor_malformed", Kind.MALFORMED),
    ],
)
def test_command_itself_is_checked(changed: dict[str, object], code: str, kind: Kind) -> None:
    told = replace(command(DISPATCH, expected=3), **changed)
    refusal = refused(reach(State.ACCEPTED).state, told)
    assert (refusal.code, refusal.kind) == (code, kind)


def test_expected_sequence_of_an_unregistered_dispute_is_zero() -> None:
    assert refused(None, command(REGISTER, expected=1)).code == "stale_sequence"


def test_every_reason_is_broken_by_a_test_here() -> None:
    elsewhere = {"stale_sequence", "wrong_dispute", "command_id_missing", "time_out_of_range"}
    elsewhere |= {"date_provisional", "not_provisional"}  # test_lifecycle_provisional.py
    elsewhere |= {"barred_by_rule", "confirmation_barred", "milestone_order"}  # test_lifecycle_limits.py
    elsewhere |= {"linked_already", "not_linked", "not_proposed", "proposed_already"}  # test_lifecycle_links.py
    elsewhere |= {"paper_too_late", "dispatched_anew"}  # test_lifecycle_late_paper.py
    elsewhere |= {"nothing_missing", "round_not_next", "round_not_over"}  # test_lifecycle_waits_and_rounds.py
    elsewhere |= {"no_second_attempt", "second_attempt_late"}  # test_lifecycle_failures.py
    assert set(COMMANDS) == {case.code for case in CASES} | elsewhere


def test_reasons_are_worded_in_both_languages_and_name_real_fields() -> None:
    assert {reason.kind for reason in COMMANDS.values()} == {Kind.MALFORMED, Kind.WRONG_STATE, Kind.STALE}
    guards = {guard for row in TRANSITIONS for guard in row.guards}
    assert len({guard.__name__ for guard in guards}) == len(guards)
