"""The screening waits for what it lacks; a source may hand a returned record over anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Accept,
    Agree,
    BeginScreening,
    Channel,
    EventKind,
    Fail,
    FailureReason,
    Link,
    Milestone,
    NoteUndocked,
    OutcomeForm,
    ReachMilestone,
    Reclassify,
    RefuseMediation,
    Reopen,
    ReopenReason,
    RequestInformation,
    Resubmit,
    ReturnToSource,
    Sign,
    State,
    Unlink,
    Withdraw,
    WithdrawReason,
    end_of,
    replay,
)
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    DIGEST,
    DIMENSIONS,
    DISPATCH,
    FOLLOW_UP,
    MASTER,
    START,
    TODAY,
    Walk,
    command,
    payload_of,
    reach,
    refused,
    registration,
)

DAY = timedelta(days=1)
UNTIL = TODAY + 7 * DAY
ASKED = RequestInformation(("consent_missing", "facts_unclear"), UNTIL)
UNDOCKED = NoteUndocked("harassment_call", "治安管理处罚法 9")
AGAIN = Resubmit(2, TODAY + 20 * DAY)


def kinds(walk: Walk) -> list[EventKind]:
    return [fact.type for fact in walk.state.counted]


def waiting() -> Walk:
    return reach(State.SCREENING).do(ASKED)


# waiting
def test_what_is_lacking_is_asked_for_and_refuses_nothing() -> None:
    walk = waiting()
    assert (walk.state.state, walk.state.missing, walk.state.screen_by) == (State.SCREENING, ASKED.missing, UNTIL)
    assert (walk.last.type.status, walk.last.reason_code) == ("to_complete", "consent_missing")
    assert payload_of(walk.last).wait_until == UNTIL
    assert kinds(walk) == [EventKind.REGISTERED]


def test_a_later_request_keeps_the_day_of_the_first() -> None:
    walk = waiting().do(RequestInformation(("facts_unclear",)), at=START + 3 * DAY)
    assert (walk.state.missing, walk.state.screen_by, walk.last.ordinal) == (("facts_unclear",), UNTIL, 2)


@pytest.mark.parametrize("asked", [RequestInformation((), UNTIL), RequestInformation(("consent_missing",))])
def test_a_request_names_what_it_asks_for_and_until_when(asked: RequestInformation) -> None:
    assert refused(reach(State.SCREENING).state, command(asked)).code == "nothing_missing"


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (ACCEPT, State.ACCEPTED),
        (RefuseMediation("consent_refused"), State.NOT_MEDIABLE),
        (Withdraw(WithdrawReason.APPLICANT_WITHDREW), State.WITHDRAWN),
        (UNDOCKED, State.RETURNED),
    ],
    ids=["accepted", "refused", "withdrawn", "undocked"],
)
def test_the_wait_ends_with_the_screening(
    verdict: Accept | RefuseMediation | Withdraw | NoteUndocked, state: State
) -> None:
    walk = waiting().do(verdict, at=START + 2 * DAY)
    assert (walk.state.state, walk.state.missing, walk.state.screen_by) == (state, (), None)
    assert walk.state.checkpoints == ()


def test_the_end_of_the_wait_is_a_refusal_with_what_was_lacking() -> None:
    walk = waiting().do(RefuseMediation("consent_missing", waited=True), at=START + 8 * DAY)
    assert (walk.state.state, walk.state.dimensions.outcome_code) == (State.NOT_MEDIABLE, "consent_missing")
    assert walk.last.limit == "screen_by"


# undocked
def test_what_is_no_matter_for_docking_is_returned_and_not_counted() -> None:
    walk = reach(State.SCREENING, registration(Channel.POLICE)).do(Link(MASTER)).do(UNDOCKED)
    assert (walk.state.state, walk.last.type.status, walk.last.type.is_final) == (State.RETURNED, "not_docked", True)
    assert [taken.type for taken in walk.last.retracts] == [EventKind.REGISTERED, EventKind.LINKED]
    assert not any(taken.restated for taken in walk.last.retracts)
    assert kinds(walk) == []
    assert payload_of(walk.last).clause == UNDOCKED.clause
    assert walk.do(Unlink("clerk_error")).last.retracts == ()
    assert replay(tuple(walk.events)) == walk.state


def test_a_later_round_that_is_undocked_leaves_the_first_round_counted() -> None:
    walk = reach(State.RETURNED)
    first = kinds(walk)
    walk.all([AGAIN, BeginScreening(), UNDOCKED])
    assert kinds(walk) == first


# rounds
def test_a_further_round_is_the_next_opening_of_the_same_dispute() -> None:
    walk = reach(State.RETURNED)
    first = list(walk.state.counted)
    event = walk.do(AGAIN, at=START + 21 * DAY).last
    assert (event.type, event.transition, event.to_state) == (EventKind.RESUBMITTED, "T28", State.REGISTERED)
    assert (event.reopen_seq, event.ordinal, event.business_day) == (1, 1, AGAIN.received_on)
    assert (payload_of(event).round, walk.state.round, event.retracts) == (2, 2, ())
    assert event.cohort == replace(
        event.cohort, accepted_on=None, due_on=None, agreed_on=None, concluded_on=None, closed_on=None
    )
    assert event.cohort.registered_on == AGAIN.received_on
    assert (event.dimensions.outcome_code, event.dimensions.mediator_id) == ("", "")
    assert (walk.state.ordinals, walk.state.conclusions) == (((EventKind.RESUBMITTED, 1),), 0)
    assert list(walk.state.counted)[:-1] == first


def test_a_further_round_is_screened_handled_and_concluded_by_itself() -> None:
    walk = reach(State.RETURNED).all([AGAIN, BeginScreening(), ACCEPT, DISPATCH])
    walk.do(Sign(TODAY + 60 * DAY)).all([BEGIN, AGREE])
    assert (walk.last.ordinal, walk.last.conclusion_ordinal, walk.last.reopen_seq) == (1, 1, 1)
    assert kinds(walk).count(EventKind.REGISTERED) == 1
    assert kinds(walk).count(EventKind.ACCEPTED) == 2
    assert replay(tuple(walk.events)) == walk.state


@pytest.mark.parametrize("number", [1, 3])
def test_rounds_are_numbered_one_after_the_other(number: int) -> None:
    assert refused(reach(State.RETURNED).state, command(Resubmit(number, TODAY))).code == "round_not_next"


@pytest.mark.parametrize("state", [State.RETURNED, State.REFERRED, State.CLOSED])
def test_a_round_may_follow_a_final_result(state: State) -> None:
    assert reach(state).do(AGAIN).state.round == 2


@pytest.mark.parametrize("state", [State.FOLLOW_UP, State.TRACKING])
def test_a_dispute_that_is_followed_up_before_its_source_got_a_final_result_is_not_over(state: State) -> None:
    assert refused(reach(state).state, command(AGAIN)).code == "round_not_over"
    back = ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True)
    assert reach(state).all([back, FOLLOW_UP, AGAIN]).state.state is State.REGISTERED


def test_what_relapsed_is_over_only_by_a_result_of_its_new_opening() -> None:
    walk = reach(State.CLOSED).all([Reopen(ReopenReason.NEW_CALL), Agree(OutcomeForm.SELF_SETTLED), FOLLOW_UP])
    assert refused(walk.state, command(AGAIN)).code == "round_not_over"


def test_a_call_that_was_no_matter_may_be_handed_over_as_one() -> None:
    walk = reach(State.SCREENING).all([UNDOCKED, AGAIN, BeginScreening(), ACCEPT])
    assert kinds(walk) == [EventKind.RESUBMITTED, EventKind.ACCEPTED]


def test_a_petition_keeps_its_limits_and_begins_its_milestones_anew() -> None:
    local, statutory = TODAY + 30 * DAY, TODAY + 60 * DAY
    start = replace(registration(Channel.PETITION), local_due_on=local, statutory_due_on=statutory)
    walk = Walk(start, BeginScreening(), ReachMilestone(Milestone.MET), RefuseMediation("litigation_pending"))
    walk.all([ReturnToSource(Channel.PETITION), AGAIN])
    assert (walk.state.cohort.local_due_on, walk.state.cohort.statutory_due_on) == (local, statutory)
    assert walk.state.milestones == ()


def test_a_correction_reaches_every_round() -> None:
    walk = reach(State.RETURNED).all([AGAIN, Reclassify(category="0101", reason_code="clerk_error")])
    assert DIMENSIONS.category not in {fact.dimensions.category for fact in walk.state.counted}


def test_a_further_round_settles_an_alarm_of_the_one_before() -> None:
    due = TODAY + 30 * DAY
    walk = reach(State.MEDIATING).do(Fail(FailureReason.TERM_EXPIRED), at=end_of(due))
    walk.do(ReturnToSource(Channel.COURT, DIGEST), at=end_of(due)).do(AGAIN, at=end_of(due))
    assert walk.state.checkpoints == ()
    assert refused(walk.state, command(AGREE)).code == "wrong_state"
