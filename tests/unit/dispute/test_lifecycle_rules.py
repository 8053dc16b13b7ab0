"""What the machine promises beyond allowed and refused: dates, ordinals, openings, exits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    Agree,
    ApplyForConfirmation,
    Bounce,
    ChangeColour,
    Channel,
    Colour,
    EscalateLevel,
    EventKind,
    Extend,
    Fail,
    FailureReason,
    Level,
    MadeBy,
    Milestone,
    OutcomeForm,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordPerformance,
    RecordRuling,
    RecordVisit,
    Refer,
    ReferTarget,
    RefuseMediation,
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
    business_day,
    dispute_id_of,
    event_id_of,
    evolve,
    is_dispute_id,
    replay,
)
from hub.errors import Fault
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    CLOSE,
    DIGEST,
    DISPATCH,
    DUE,
    FOLLOW_UP,
    REF,
    REGISTER,
    START,
    TODAY,
    Walk,
    command,
    decided,
    payload_of,
    reach,
    registration,
)

DAY = timedelta(days=1)
RELAPSE = Reopen(ReopenReason.NEW_CALL)


def test_same_command_gives_same_events() -> None:
    told = command(DISPATCH)
    dispute = reach(State.ACCEPTED).state
    assert decided(dispute, told) == decided(dispute, told)


def test_ids_are_deterministic_and_told_apart() -> None:
    assert dispute_id_of("a", "bc") == dispute_id_of("a", "bc") != dispute_id_of("ab", "c")
    assert is_dispute_id(dispute_id_of("a", "b"))
    assert event_id_of("x", 1) != event_id_of("x", 2)


def test_ids_are_what_they_were_in_the_first_release() -> None:
    dispute_id = dispute_id_of("court-620725", "（2024）甘0725诉前调1号")
    assert dispute_id == "fa4807d2-6dc0-59e3-b1da-c5262f7b9f4c"
    assert event_id_of(dispute_id, 1) == "9b1a1c80-9fb0-5636-b63b-6dcb7cf4c5a3"


def test_registration_counts_on_the_sources_own_day() -> None:
    late = replace(REGISTER, received_on=date(2024, 2, 27), transitional=True, amount_fen=7)
    event = Walk().do(late).last
    assert (event.business_day, event.cohort.received_on) == (date(2024, 2, 27), date(2024, 2, 27))
    assert event.cohort.registered_on == TODAY
    assert (payload_of(event).transitional, payload_of(event).amount_fen, event.source_ref) == (True, 7, REF)
    assert (event.from_state, event.actor_role, event.causation_id) == (None, Role.CLERK, event.correlation_id)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2024, 3, 1, 15, 59, 59, tzinfo=UTC), date(2024, 3, 1)),
        (datetime(2024, 3, 1, 16, 0, tzinfo=UTC), date(2024, 3, 2)),
        (datetime(2024, 2, 29, 16, 0, tzinfo=UTC), date(2024, 3, 1)),
    ],
)
def test_business_day_is_shanghais(at: datetime, day: date) -> None:
    assert business_day(at) == day


def test_late_news_may_lie_before_the_last_event_but_counts_on_its_own_day() -> None:
    walk = reach(State.MEDIATING).do(Suspend(SuspendReason.APPRAISAL), at=START + 9 * DAY)
    assert walk.do(Resume(), at=START + 4 * DAY).last.business_day == TODAY + 4 * DAY


# dispatch, term, levels
def test_term_starts_with_the_first_signature_and_no_later_one_moves_it() -> None:
    walk = reach(State.DISPATCHED).do(Sign(DUE + DAY)).do(BEGIN)
    walk.do(EscalateLevel("town-centre", "deadlock")).do(Sign(DUE + 20 * DAY))
    assert walk.state.cohort.due_on == DUE + DAY


def test_escalation_goes_one_level_up_keeps_the_date_and_frees_the_mediator() -> None:
    walk = reach(State.MEDIATING).do(EscalateLevel("police-station", "deadlock"))
    told = walk.last.dimensions
    assert (told.level, told.lead_department, told.mediator_id) == (Level.TOWNSHIP, "police-station", "")
    assert walk.last.cohort.due_on == DUE
    assert walk.state.co_departments == ()  # the new lead was a co-handler
    walk.do(Bounce("not_our_duty")).do(replace(DISPATCH, level=Level.TOWNSHIP, due_on=DUE + 40 * DAY))
    assert walk.state.cohort.due_on == DUE


def test_third_bounce_leaves_the_county_to_decide() -> None:
    walk = reach(State.ACCEPTED).all([DISPATCH, Bounce("not_our_duty")] * 3)
    assert walk.last.ordinal == 3
    assert walk.last.dimensions.lead_department == DISPATCH.lead_department
    assert walk.do(replace(DISPATCH, level=Level.COUNTY)).state.state is State.DISPATCHED


@pytest.mark.parametrize("reason", [SuspendReason.APPRAISAL, SuspendReason.SUSPECTED_SHAM])
def test_only_appraisal_before_filing_stops_the_clock(reason: SuspendReason) -> None:
    walk = reach(State.MEDIATING).do(Suspend(reason))
    assert walk.state.clock_stopped_on is None
    assert walk.do(Fail(FailureReason.TERM_EXPIRED), at=START + 30 * DAY).state.state is State.FAILED


def test_stopped_clock_moves_the_due_date_by_the_stop() -> None:
    walk = reach(State.MEDIATING).do(Suspend(SuspendReason.APPRAISAL_BEFORE_FILING))
    assert walk.state.clock_stopped_on == TODAY
    walk.do(Resume(DUE + 10 * DAY), at=START + 10 * DAY)
    assert walk.state.cohort.due_on == DUE + 10 * DAY
    assert walk.state.clock_stopped_on is None


def test_outside_regime_b_each_extension_is_numbered() -> None:
    walk = reach(State.MEDIATING)
    for number in (1, 2):
        walk.do(Extend(consent_of_all=True, days=30, due_on=DUE + number * 30 * DAY))
        assert (walk.last.ordinal, payload_of(walk.last).days, walk.last.retracts) == (number, 30, ())


def test_an_extension_that_no_rule_grants_any_more_is_read_from_the_journal() -> None:
    walk = reach(State.MEDIATING, registration(Channel.POLICE))
    walk.do(Extend(consent_of_all=True, days=7, due_on=DUE + 9 * DAY))
    assert replay(tuple(walk.events)) == walk.state
    assert walk.do(Fail(FailureReason.TERM_EXPIRED), at=START + 39 * DAY).state.state is State.FAILED


def test_petition_has_three_dates_and_none_overwrites_another() -> None:
    local, statutory = TODAY + 30 * DAY, TODAY + 60 * DAY
    start = replace(registration(Channel.PETITION), local_due_on=local, statutory_due_on=statutory)
    walk = reach(State.MEDIATING, start)
    walk.do(Extend(consent_of_all=False, days=30, due_on=statutory + 30 * DAY), role=Role.LEADER)
    walk.do(Extend(consent_of_all=True, days=10, due_on=DUE + 10 * DAY), role=Role.MEDIATOR)
    cohort = walk.state.cohort
    assert (cohort.due_on, cohort.local_due_on, cohort.statutory_due_on) == (
        DUE + 10 * DAY,
        local,
        statutory + 30 * DAY,
    )


def test_petition_milestones_are_events_of_their_own_and_move_no_date() -> None:
    walk = reach(State.SIGNED, registration(Channel.PETITION))
    before = walk.state.cohort
    for milestone in Milestone:
        walk.do(ReachMilestone(milestone))
        assert (walk.last.type, payload_of(walk.last).milestone) == (EventKind.MILESTONE_REACHED, milestone)
    assert walk.state.milestones == tuple(Milestone)
    assert (walk.state.cohort, walk.state.state) == (before, State.SIGNED)


# outcomes and exits
@pytest.mark.parametrize(
    "form", [OutcomeForm.MEDIATION_STATEMENT, OutcomeForm.WITHDRAWN_AFTER_SETTLEMENT, OutcomeForm.SELF_SETTLED]
)
def test_settlements_of_every_form_are_agreements(form: OutcomeForm) -> None:
    event = reach(State.MEDIATING).do(Agree(form, signed_by_all=True, made_by=MadeBy.COURT)).last
    assert (event.type, event.dimensions.outcome_form, event.ordinal) == (EventKind.AGREED, form, 1)
    assert (event.conclusion_ordinal, event.cohort.agreed_on, event.cohort.concluded_on) == (1, TODAY, TODAY)


def test_oral_and_partial_agreements_are_marked() -> None:
    oral = Agree(OutcomeForm.AGREEMENT, oral_recorded=True, partial=True)
    walk = reach(State.MEDIATING).do(oral)
    assert (payload_of(walk.last).oral, payload_of(walk.last).partial) == (True, True)
    assert walk.do(ReturnToSource(Channel.COURT, DIGEST)).last.transition == "T21b"


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("state", [State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED])
def test_a_refusal_ends_mediation_at_once_in_every_channel(channel: Channel, state: State) -> None:
    walk = reach(state, registration(channel)).do(Fail(FailureReason.REFUSED))
    assert (walk.state.state, walk.last.dimensions.outcome_code) == (State.FAILED, "refused")


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("state", [State.FAILED, State.NOT_MEDIABLE, State.FOLLOW_UP, State.TRACKING, State.AGREED])
def test_a_party_may_elect_to_sue_from_every_channel(channel: Channel, state: State) -> None:
    push = ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True)
    event = reach(state, registration(channel)).do(push).last
    assert (payload_of(event).target, payload_of(event).document_sha256) == ("court", DIGEST)


@pytest.mark.parametrize("channel", [Channel.POLICE, Channel.PETITION])
def test_a_failed_matter_goes_back_where_it_came_from(channel: Channel) -> None:
    back = ReturnToSource(Channel(channel.value))
    event = reach(State.MEDIATING, registration(channel)).do(Fail(FailureReason.UNREACHABLE)).do(back).last
    assert (event.to_state, payload_of(event).target, event.reason_code) == (State.RETURNED, channel, "unreachable")


def test_whistle_blowing_has_one_exit() -> None:
    walk = reach(State.SCREENING, registration(Channel.WINDOW)).do(RefuseMediation("whistle_blowing"))
    walk.do(Refer(ReferTarget.DISCIPLINE_INSPECTION, told_in_writing=True))
    assert payload_of(walk.last).target == "discipline_inspection"


def test_withdrawn_window_matter_reaches_an_end() -> None:
    walk = reach(State.WITHDRAWN, registration(Channel.WINDOW)).all([FOLLOW_UP, CLOSE])
    assert walk.state.state is State.CLOSED


# overlays
def test_a_colour_that_a_rule_gave_tells_its_clause() -> None:
    for clause in ("人民调解法 25", ""):
        walk = reach(State.MEDIATING).do(ChangeColour(Colour.RED, "weapon", clause))
        assert payload_of(walk.last).clause == clause


def test_red_is_owned_by_a_leader_and_stays_until_it_pales() -> None:
    walk = reach(State.MEDIATING).do(ChangeColour(Colour.RED, "weapon"))
    assert (walk.state.supervision, payload_of(walk.last).colour_before) == (Supervision.ESCALATED, Colour.NONE)
    walk.do(ChangeColour(Colour.BLUE, "weapon_removed"))
    assert (walk.state.supervision, walk.state.dimensions.colour) == (Supervision.NORMAL, Colour.BLUE)


def test_reminders_repeat() -> None:
    walk = reach(State.SIGNED).all([Supervise(Supervision.REMINDED)] * 2)
    assert (walk.last.ordinal, walk.state.supervision) == (2, Supervision.REMINDED)


def test_clean_visits_count_in_a_row_only() -> None:
    walk = reach(State.TRACKING)
    for clean, so_far in ((True, 1), (True, 2), (False, 0), (True, 1), (True, 2), (True, 3)):
        assert walk.do(RecordVisit(clean)).state.clean_visits == so_far
    assert payload_of(walk.do(CLOSE).last).reviewer_id == "r-2"


# openings
def test_reopening_keeps_id_lead_and_colour_and_starts_a_new_opening() -> None:
    walk = reach(State.AGREED).all([ChangeColour(Colour.BLUE, "threat"), FOLLOW_UP, CLOSE, Rate(3), RELAPSE])
    event, dispute = walk.last, walk.state
    assert (event.reopen_seq, event.ordinal, event.to_state) == (1, 1, State.ACCEPTED)
    assert (event.dimensions.colour, event.dimensions.lead_department) == (Colour.BLUE, DISPATCH.lead_department)
    assert (event.dimensions.outcome_form, event.dimensions.mediator_id) == (OutcomeForm.NONE, "")
    assert event.cohort == replace(
        event.cohort, accepted_on=TODAY, due_on=None, agreed_on=None, concluded_on=None, closed_on=None
    )
    assert event.retracts == ()  # the first opening's agreement and closing stay counted: a relapse counts by itself
    assert dispute.ordinals == ((EventKind.REOPENED, 1),)
    again = walk.all([replace(DISPATCH, level=Level.GRID), Sign(), BEGIN, AGREE]).last
    assert (again.ordinal, again.conclusion_ordinal, again.reopen_seq) == (1, 1, 1)
    assert [fact.type for fact in walk.state.counted].count(EventKind.AGREED) == 2


def test_every_relapse_is_the_first_of_its_opening() -> None:
    walk = reach(State.CLOSED).all([RELAPSE, Agree(OutcomeForm.SELF_SETTLED), FOLLOW_UP, RELAPSE])
    assert (walk.last.ordinal, walk.last.reopen_seq) == (1, 2)


def test_a_petition_that_relapses_has_its_milestones_before_it_but_no_second_statutory_extension() -> None:
    walk = reach(State.MEDIATING, replace(registration(Channel.PETITION), statutory_due_on=TODAY + 60 * DAY))
    walk.do(Extend(consent_of_all=False, days=30, due_on=TODAY + 90 * DAY), role=Role.LEADER)
    walk.all([ReachMilestone(Milestone.MET), AGREE, FOLLOW_UP, RELAPSE, ReachMilestone(Milestone.MET)])
    assert (walk.state.milestones, walk.state.statutory_extended) == ((Milestone.MET,), True)
    assert walk.state.cohort.statutory_due_on == TODAY + 90 * DAY


def test_reopening_in_red_goes_to_the_leader() -> None:
    walk = reach(State.CLOSED).do(Reopen(ReopenReason.NEW_SUIT, Colour.RED))
    assert walk.state.supervision is Supervision.ESCALATED


def test_second_agreement_after_a_refused_confirmation_is_not_the_first() -> None:
    walk = reach(State.JC_REFUSED)
    assert walk.last.retracts == ()
    assert walk.last.reason_code == "title"
    walk.do(BEGIN).do(replace(AGREE, confirm_by=TODAY + 70 * DAY), at=START + 40 * DAY)
    assert (walk.last.ordinal, walk.last.conclusion_ordinal) == (2, 2)
    assert (walk.state.cohort.agreed_on, walk.state.agreement_on) == (TODAY, TODAY + 40 * DAY)
    assert walk.state.cohort.concluded_on == TODAY
    agreed = [fact for fact in walk.state.counted if fact.type is EventKind.AGREED]
    assert [(fact.ordinal, fact.conclusion_ordinal) for fact in agreed] == [(1, 1), (2, 2)]
    walk.do(ApplyForConfirmation(jointly=True), at=START + 60 * DAY).do(RecordRuling(confirmed=True))
    assert walk.state.state is State.JC_CONFIRMED


# sign-off
def test_a_dispatch_that_nobody_signs_goes_back_overdue() -> None:
    limit = START + DAY
    walk = reach(State.ACCEPTED).do(replace(DISPATCH, sign_by=limit)).do(Bounce(SIGN_OFF_EXPIRED), at=limit)
    assert (walk.state.state, walk.state.supervision) == (State.ACCEPTED, Supervision.OVERDUE)
    assert (walk.last.reason_code, walk.last.dimensions.lead_department) == (SIGN_OFF_EXPIRED, "justice-bureau")
    walk.do(Supervise(Supervision.SUPERVISED), at=limit).do(replace(DISPATCH, sign_by=limit + DAY), at=limit)
    walk.do(Bounce(SIGN_OFF_EXPIRED), at=limit + DAY)
    assert (walk.state.supervision, payload_of(walk.last).supervision) == (Supervision.SUPERVISED, None)


# performance seen later
@pytest.mark.parametrize("state", [State.FOLLOW_UP, State.TRACKING])
def test_performance_seen_at_a_visit_keeps_the_state(state: State) -> None:
    walk = reach(state).do(RecordPerformance(DIGEST))
    assert (walk.last.type, walk.last.transition, walk.state.state) == (EventKind.PERFORMED, "T19b", state)
    assert payload_of(walk.last).document_sha256 == DIGEST


def test_within_the_town_village_and_grid_stay() -> None:
    told = reach(State.ACCEPTED).do(Reclassify(category="0101", reason_code="clerk_error")).last.dimensions
    assert (told.category, told.village_code, told.grid_code) == ("0101", "620725101001", "g-101-1")


# history
def test_replay_of_the_history_is_the_state() -> None:
    walk = reach(State.CLOSED)
    assert replay(tuple(walk.events)) == walk.state
    assert all(after.from_state is before.to_state for before, after in pairwise(walk.events))


def test_broken_history_is_a_fault() -> None:
    walk = reach(State.ACCEPTED)
    with pytest.raises(Fault, match="history_broken"):
        evolve(walk.state, walk.last)
    with pytest.raises(Fault, match="history_broken"):
        evolve(None, walk.last)
    with pytest.raises(Fault, match="history_broken"):
        evolve(walk.state, replace(walk.last, sequence=4, dispute_id=dispute_id_of("x", "y")))
    with pytest.raises(Fault, match="history_broken"):
        replay(())


def test_acceptance_names_the_rules_that_decided() -> None:
    told = reach(State.SCREENING).do(replace(ACCEPT, clause="民诉法 125", transitional=True)).last
    assert (told.dimensions.rule_version, payload_of(told).clause) == ("2024-1", "民诉法 125")
    assert payload_of(told).transitional
