"""Exclusions that come to light in mediation, and the second attempt after a failure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Channel,
    EventKind,
    Exclude,
    Fail,
    FailureReason,
    Limit,
    ReturnToSource,
    State,
    end_of,
    replay,
)
from tests.support.lifecycle import (
    AGREE,
    BEGIN,
    DUE,
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
IN_HAND = [State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED]
LAST_DAY = TODAY + 11 * DAY
"""Seven working days after the failure."""
AGAIN = Limit(LAST_DAY, "公安行政案件程序规定 183")


def failed() -> Walk:
    return reach(State.FAILED, registration(Channel.POLICE))


def conclusions(walk: Walk) -> list[tuple[EventKind, int, int]]:
    facts = [fact for fact in walk.state.counted if fact.conclusion_ordinal]
    return [(fact.type, fact.ordinal, fact.conclusion_ordinal) for fact in facts]


# exclusions
@pytest.mark.parametrize("state", IN_HAND)
def test_an_exclusion_that_comes_to_light_ends_mediation_at_once(state: State) -> None:
    walk = reach(state, registration(Channel.POLICE)).do(Exclude("criminal_matter", "治安管理处罚法 9"))
    assert (walk.state.state, walk.last.type, walk.last.transition) == (State.FAILED, EventKind.FAILED, "T15d")
    assert (walk.last.reason_code, walk.state.dimensions.outcome_code) == ("criminal_matter", "criminal_matter")
    assert payload_of(walk.last).clause == "治安管理处罚法 9"
    assert walk.do(ReturnToSource(Channel.POLICE)).last.reason_code == "criminal_matter"


def test_an_exclusion_is_no_alarm_that_late_paper_takes_back() -> None:
    walk = reach(State.MEDIATING).do(Exclude("criminal_matter"), at=START + 9 * DAY)
    assert refused(walk.state, command(AGREE, at=START + DAY)).code == "wrong_state"


# the second attempt
def test_a_second_attempt_takes_the_failure_back_and_sets_its_own_last_day() -> None:
    walk = failed().do(BEGIN, at=START + DAY, limit=AGAIN)
    assert (walk.last.transition, walk.last.ordinal) == ("T10b", 2)
    assert [taken.type for taken in walk.last.retracts] == [EventKind.FAILED]
    assert (walk.state.cohort.due_on, payload_of(walk.last).clause) == (LAST_DAY, AGAIN.clause)
    assert (walk.state.cohort.concluded_on, walk.state.dimensions.outcome_code) == (None, "")
    assert conclusions(walk) == []
    assert replay(tuple(walk.events)) == walk.state


def test_the_conclusion_of_a_second_attempt_is_the_first_of_its_opening() -> None:
    agreed = failed().do(BEGIN, at=START + DAY, limit=AGAIN).do(AGREE, at=START + 2 * DAY)
    assert conclusions(agreed) == [(EventKind.AGREED, 1, 1)]
    assert agreed.state.cohort.concluded_on == TODAY + 2 * DAY
    again = failed().do(BEGIN, at=START + DAY, limit=AGAIN).do(Fail(FailureReason.REFUSED), at=START + 2 * DAY)
    assert conclusions(again) == [(EventKind.FAILED, 2, 1)]


@pytest.mark.parametrize(("day", "code"), [(LAST_DAY, ""), (LAST_DAY + DAY, "second_attempt_late")])
def test_a_second_attempt_is_made_within_the_rules_days(day: date, code: str) -> None:
    told = replace(command(BEGIN, at=end_of(day) - timedelta(seconds=1)), limit=AGAIN)
    if code:
        assert refused(failed().state, told).code == code
    else:
        assert failed().carry_out(told).state.state is State.MEDIATING


def test_no_rule_gives_no_second_attempt_and_no_rule_gives_a_third() -> None:
    assert refused(failed().state, command(BEGIN)).code == "no_second_attempt"
    twice = failed().do(BEGIN, limit=AGAIN).do(Fail(FailureReason.DEADLOCK))
    assert refused(twice.state, replace(command(BEGIN), limit=AGAIN)).code == "no_second_attempt"


@pytest.mark.parametrize("state", [State.ACCEPTED, State.DISPATCHED, State.SIGNED])
def test_without_a_first_attempt_there_is_no_second(state: State) -> None:
    walk = reach(state, registration(Channel.POLICE)).do(Fail(FailureReason.REFUSED))
    assert refused(walk.state, replace(command(BEGIN), limit=AGAIN)).code == "no_second_attempt"


@pytest.mark.parametrize(
    "end",
    [
        Exclude("criminal_matter"),
        Fail(FailureReason.EXCLUDED),
        Fail(FailureReason.RENEWED_VIOLENCE),
        Fail(FailureReason.FLED),
        Fail(FailureReason.SHAM),
    ],
    ids=lambda order: order.reason_code,
)
def test_what_the_law_excludes_is_not_attempted_again(end: Fail | Exclude) -> None:
    walk = reach(State.MEDIATING, registration(Channel.POLICE)).do(end)
    assert refused(walk.state, replace(command(BEGIN), limit=AGAIN)).code == "no_second_attempt"


def test_a_second_attempt_has_a_term_that_expires_and_late_paper_counts_in_it_too() -> None:
    walk = failed().do(BEGIN, at=START + DAY, limit=AGAIN)
    walk.do(Fail(FailureReason.TERM_EXPIRED), at=end_of(LAST_DAY))
    assert conclusions(walk) == [(EventKind.FAILED, 2, 1)]
    walk.do(AGREE, at=START + 2 * DAY)
    assert conclusions(walk) == [(EventKind.AGREED, 1, 1)]
    assert replay(tuple(walk.events)) == walk.state


def test_the_term_that_expired_may_be_followed_by_a_second_attempt() -> None:
    walk = reach(State.MEDIATING, registration(Channel.POLICE)).do(Fail(FailureReason.TERM_EXPIRED), at=end_of(DUE))
    walk.do(BEGIN, at=end_of(DUE) + DAY, limit=Limit(DUE + 9 * DAY))
    assert (walk.last.transition, walk.last.rewinds_to, walk.state.checkpoints) == ("T10b", 0, ())
    assert refused(walk.state, command(AGREE, at=datetime.fromisoformat("2024-02-29T00:00Z"))).code == (
        "before_registration"
    )
