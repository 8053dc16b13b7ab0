"""Provisional dates: nothing is late on one, they travel with the dispute, and a holiday table puts them right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    ApplyForConfirmation,
    BeginScreening,
    Bounce,
    Channel,
    CohortDates,
    DateName,
    Dispute,
    Event,
    EventKind,
    Extend,
    Fail,
    FailureReason,
    ProvisionalDate,
    Reopen,
    ReopenReason,
    Role,
    SettledDate,
    SettleDueDates,
    Sign,
    Span,
    State,
    end_of,
    replay,
)
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    CLOSE,
    DISPATCH,
    DUE,
    FOLLOW_UP,
    START,
    TODAY,
    Walk,
    command,
    decided,
    mark_of,
    merged,
    payload_of,
    refused,
    registration,
)

DAY = timedelta(days=1)
LATE = START + 99 * DAY
SIGN_DAY, CONFIRM_DAY = TODAY + 2 * DAY, TODAY + 30 * DAY
STATUTORY = TODAY + 60 * DAY
PETITION = replace(registration(Channel.PETITION), statutory_due_on=STATUTORY)
ON_TERM, ON_SIGN_OFF = mark_of(DateName.DUE_ON, DUE), mark_of(DateName.SIGN_BY, SIGN_DAY)
ON_CONFIRMATION = mark_of(DateName.CONFIRM_BY, CONFIRM_DAY)
ON_PETITION = mark_of(DateName.STATUTORY_DUE_ON, STATUTORY)


def accepted() -> Walk:
    return Walk().do(PETITION, counted=(ON_PETITION,)).all([BeginScreening(), ACCEPT])


def mediating() -> Walk:
    walk = accepted().do(replace(DISPATCH, due_on=None, sign_by=end_of(SIGN_DAY)), counted=(ON_SIGN_OFF,))
    return walk.do(Sign(DUE), counted=(ON_TERM,)).do(BEGIN)


def settle(walk: Walk, *dates: SettledDate, counted: tuple[ProvisionalDate, ...] = ()) -> Event:
    walk.do(SettleDueDates(dates), at=LATE, role=Role.SYSTEM, counted=counted)
    return walk.last


def test_the_marks_stand_in_every_event_until_their_date_is_gone() -> None:
    walk = mediating()
    marks = {event.type: event.provisional for event in walk.events}
    assert marks[EventKind.REGISTERED] == marks[EventKind.ACCEPTED] == (ON_PETITION,)
    assert marks[EventKind.DISPATCHED] == (ON_PETITION, ON_SIGN_OFF)
    assert marks[EventKind.SIGNED] == marks[EventKind.MEDIATION_BEGUN] == (ON_PETITION, ON_TERM)
    assert walk.state.provisional == (ON_PETITION, ON_TERM)
    assert replay(tuple(walk.events)) == walk.state


def test_a_signature_is_not_late_on_a_provisional_day() -> None:
    dispatched = accepted().do(replace(DISPATCH, sign_by=end_of(SIGN_DAY)), counted=(ON_SIGN_OFF,)).state
    assert decided(dispatched, command(Sign(), at=LATE))[0].to_state is State.SIGNED
    assert refused(replace(dispatched, provisional=()), command(Sign(), at=LATE)).code == "signed_late"


def test_an_application_is_not_late_on_a_provisional_day() -> None:
    agreed = mediating().do(replace(AGREE, confirm_by=CONFIRM_DAY), counted=(ON_CONFIRMATION,)).state
    asked = command(ApplyForConfirmation(jointly=True), at=LATE)
    assert decided(agreed, asked)[0].to_state is State.JC_PENDING
    assert refused(replace(agreed, provisional=()), asked).code == "confirmation_late"


def test_a_date_given_by_people_is_certain_and_the_earlier_one_stays_marked_for_its_facts() -> None:
    walk = mediating().do(Extend(consent_of_all=True, days=30, due_on=DUE + 30 * DAY))
    assert not walk.state.is_provisional(DateName.DUE_ON)
    # `signed` and `mediation_begun` are counted under the earlier day.
    assert ON_TERM in walk.state.provisional


def test_an_extension_of_a_provisional_limit_marks_both() -> None:
    longer = ProvisionalDate(DateName.DUE_ON, DUE + 30 * DAY, TODAY, (Span(30), Span(30)), 2024)
    walk = mediating().do(Extend(consent_of_all=True, days=30, due_on=longer.day), counted=(longer,))
    assert walk.state.provisional == (ON_PETITION, ON_TERM, longer)
    assert walk.state.provisional_mark(DateName.DUE_ON) == longer


def test_a_table_moves_the_dates_and_every_fact_that_stood_under_them() -> None:
    walk = mediating()
    before = {fact.sequence: fact for fact in walk.state.counted}
    event = settle(
        walk,
        SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, STATUTORY + DAY),
        SettledDate(DateName.DUE_ON, DUE, DUE + 2 * DAY),
    )
    assert (event.type, event.provisional) == (EventKind.DUE_DATES_SETTLED, ())
    assert event.to_state is event.from_state is State.MEDIATING
    assert (event.cohort.statutory_due_on, event.cohort.due_on) == (STATUTORY + DAY, DUE + 2 * DAY)
    assert [taken.sequence for taken in event.retracts] == sorted(before)
    for taken in event.retracts:
        fact = before[taken.sequence]
        assert (taken.cohort, taken.restated_as) == (fact.cohort, fact.dimensions)
        due_on = None if fact.cohort.due_on is None else DUE + 2 * DAY
        assert taken.restated_cohort == replace(fact.cohort, statutory_due_on=STATUTORY + DAY, due_on=due_on)
    assert {(fact.cohort.statutory_due_on, fact.cohort.due_on) for fact in walk.state.counted} == {
        (STATUTORY + DAY, None),
        (STATUTORY + DAY, DUE + 2 * DAY),
    }
    assert walk.state.provisional == ()
    assert replay(tuple(walk.events)) == walk.state


def test_a_table_that_moves_nothing_takes_nothing_back() -> None:
    walk = accepted()
    event = settle(walk, SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, STATUTORY))
    assert (event.retracts, event.provisional, walk.state.provisional) == ((), (), ())
    assert payload_of(event).settled == (SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, STATUTORY),)


def test_the_days_that_stand_in_the_dispute_alone_are_moved_too() -> None:
    dispatched = accepted().do(replace(DISPATCH, sign_by=end_of(SIGN_DAY)), counted=(ON_SIGN_OFF,))
    settle(dispatched, SettledDate(DateName.SIGN_BY, SIGN_DAY, SIGN_DAY + DAY))
    assert dispatched.state.sign_by == end_of(SIGN_DAY + DAY)
    assert not dispatched.state.is_provisional(DateName.SIGN_BY)
    agreed = mediating().do(replace(AGREE, confirm_by=CONFIRM_DAY), counted=(ON_CONFIRMATION,))
    settle(agreed, SettledDate(DateName.CONFIRM_BY, CONFIRM_DAY, CONFIRM_DAY + DAY))
    assert agreed.state.confirm_by == CONFIRM_DAY + DAY
    assert refused(agreed.state, command(ApplyForConfirmation(jointly=True), at=LATE)).code == "confirmation_late"


def test_a_date_that_another_year_still_leaves_open_stays_provisional_under_its_new_day() -> None:
    walk = accepted()
    again = replace(ON_PETITION, day=STATUTORY + DAY, missing_year=2025)
    event = settle(walk, SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, again.day), counted=(again,))
    assert event.provisional == walk.state.provisional == (again,)
    assert walk.state.is_provisional(DateName.STATUTORY_DUE_ON)


def test_a_term_that_turns_out_to_have_passed_may_be_called_expired() -> None:
    walk = mediating()
    settle(walk, SettledDate(DateName.DUE_ON, DUE, DUE + DAY))
    failed = decided(walk.state, command(Fail(FailureReason.TERM_EXPIRED), at=LATE))[0]
    assert failed.reason_code == FailureReason.TERM_EXPIRED


def test_facts_of_an_opening_that_a_relapse_ended_are_put_right_as_well() -> None:
    walk = mediating().all([AGREE, FOLLOW_UP, CLOSE, Reopen(ReopenReason.NEW_PETITION)])
    assert walk.state.cohort.due_on is None
    assert ON_TERM in walk.state.provisional
    settle(walk, SettledDate(DateName.DUE_ON, DUE, DUE + DAY))
    days = {fact.cohort.due_on for fact in walk.state.counted}
    assert days == {None, DUE + DAY}


def test_a_duplicate_of_earlier_releases_keeps_the_mark_of_its_own_limit() -> None:
    walk = merged(Walk().do(PETITION, counted=(ON_PETITION,)))
    settle(walk, SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, STATUTORY + DAY))
    assert walk.state.cohort.statutory_due_on == STATUTORY + DAY


def test_a_dispute_without_marks_costs_nothing_and_says_so() -> None:
    dispute: Dispute = Walk(registration(Channel.PETITION)).state
    assert dispute.provisional == ()
    assert not any(dispute.is_provisional(name) for name in DateName)


def test_the_last_day_of_a_sign_off_is_the_day_that_ends_at_its_instant() -> None:
    dispute = Walk(registration(Channel.PETITION)).state
    assert replace(dispute, sign_by=datetime(2024, 3, 4, 16, tzinfo=UTC)).last_day(DateName.SIGN_BY) == date(2024, 3, 4)
    assert dispute.last_day(DateName.SIGN_BY) is dispute.last_day(DateName.CONFIRM_BY) is None
    assert replace(dispute, cohort=CohortDates(due_on=DUE)).last_day(DateName.DUE_ON) == DUE


@pytest.mark.parametrize(
    ("dates", "known"),
    [
        ((SettledDate(DateName.DUE_ON, DUE, DUE + DAY),), False),
        ((SettledDate(DateName.DUE_ON, DUE + DAY, DUE),), True),  # another day than the one that is marked
        ((SettledDate(DateName.DUE_ON, DUE, DUE), SettledDate(DateName.SIGN_BY, SIGN_DAY, SIGN_DAY)), True),
        ((), True),
    ],
)
def test_only_a_provisional_date_is_counted_again(dates: tuple[SettledDate, ...], *, known: bool) -> None:
    dispute = mediating().state if known else replace(mediating().state, provisional=())
    assert refused(dispute, command(SettleDueDates(dates))).code == "not_provisional"


def test_nothing_fails_or_bounces_on_a_provisional_day() -> None:
    expired, over = command(Fail(FailureReason.TERM_EXPIRED), at=LATE), command(Bounce(SIGN_OFF_EXPIRED), at=LATE)
    term = mediating().state
    signing = accepted().do(replace(DISPATCH, sign_by=end_of(SIGN_DAY)), counted=(ON_SIGN_OFF,)).state
    for dispute, asked in ((term, expired), (signing, over)):
        assert refused(dispute, asked).code == "date_provisional"
        assert decided(replace(dispute, provisional=()), asked)[0].reason_code in {"term_expired", SIGN_OFF_EXPIRED}
