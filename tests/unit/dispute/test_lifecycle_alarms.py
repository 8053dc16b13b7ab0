"""Alarms: each limit has levels of its own, and one stops when the matter moves."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Agree,
    ChangeColour,
    Channel,
    Colour,
    EventKind,
    Extend,
    Fail,
    FailureReason,
    Milestone,
    OutcomeForm,
    ReachMilestone,
    Reopen,
    ReopenReason,
    Role,
    ShareFailure,
    Sign,
    State,
    Supervise,
    Supervision,
    Unshare,
    end_of,
    replay,
)
from tests.support.lifecycle import (
    BEGIN,
    CLOSE,
    DISPATCH,
    FOLLOW_UP,
    MEDIATING,
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
LOCAL, STATUTORY = TODAY + 30 * DAY, TODAY + 60 * DAY
PETITION = replace(registration(Channel.PETITION), local_due_on=LOCAL, statutory_due_on=STATUTORY)
SETTLED = Agree(OutcomeForm.SELF_SETTLED)


def petition(state: State = State.ACCEPTED) -> Walk:
    return reach(state, PETITION)


def rung(walk: Walk, level: Supervision, limit: str, at: datetime = START) -> Walk:
    return walk.do(Supervise(level, limit), at=at, role=Role.SYSTEM, actor="timer")


def level(walk: Walk) -> str:
    return walk.state.supervision.value


def supervised(walk: Walk) -> int:
    return sum(fact.type is EventKind.SUPERVISED for fact in walk.state.counted)


def test_a_missed_limit_of_the_county_does_not_silence_the_statutory_one() -> None:
    walk = rung(petition(), Supervision.SUPERVISED, "local_due_on")
    rung(walk, Supervision.REMINDED, "statutory_due_on")
    assert level(walk) == "supervised"
    rung(walk, Supervision.ESCALATED, "statutory_due_on")
    assert [(alarm.limit, alarm.rung) for alarm in walk.state.alarms][-1] == ("statutory_due_on", Supervision.ESCALATED)
    assert level(walk) == "escalated"
    assert walk.last.limit == "statutory_due_on"


@pytest.mark.parametrize("again", [Supervision.OVERDUE, Supervision.REMINDED])
def test_each_limit_rises_for_itself_and_never_repeats(again: Supervision) -> None:
    walk = rung(petition(), Supervision.OVERDUE, "local_due_on")
    assert refused(walk.state, command(Supervise(again, "local_due_on"))).code == "rung_not_higher"


def test_the_clause_of_the_limit_stands_on_its_alarm() -> None:
    walk = petition()
    told = replace(command(Supervise(Supervision.OVERDUE, "statutory_due_on")))
    walk.carry_out(replace(told, limit=replace(told.limit, clause="信访工作条例 34")))
    assert payload_of(walk.last).clause == "信访工作条例 34"


def test_an_alarm_stops_when_the_matter_moves_and_stays_counted() -> None:
    walk = rung(petition(), Supervision.OVERDUE, "state")
    walk.do(replace(DISPATCH, due_on=STATUTORY), at=START + DAY)
    assert (walk.state.supervision, walk.state.alarms, walk.last.retracts) == (Supervision.NORMAL, (), ())
    assert supervised(walk) == 1


def test_an_alarm_of_a_limit_that_runs_on_stands_until_it_ends() -> None:
    walk = rung(petition(), Supervision.OVERDUE, "local_due_on").all([DISPATCH, Sign(), BEGIN])
    assert walk.state.supervision is Supervision.OVERDUE
    walk.do(SETTLED, at=START + 40 * DAY)
    assert (walk.state.supervision, supervised(walk)) == (Supervision.NORMAL, 1)


def test_a_limit_that_moves_stops_its_alarm_and_no_other() -> None:
    walk = rung(petition(State.MEDIATING), Supervision.REMINDED, "statutory_due_on", START + 50 * DAY)
    rung(walk, Supervision.REMINDED, "local_due_on", START + 25 * DAY)
    extended = Extend(consent_of_all=False, days=30, due_on=STATUTORY + 30 * DAY)
    walk.do(extended, at=START + 55 * DAY, role=Role.LEADER)
    assert [alarm.limit for alarm in walk.state.alarms] == ["local_due_on"]
    assert supervised(walk) == 2


def test_paper_of_an_earlier_time_takes_the_alarm_back() -> None:
    walk = rung(petition(), Supervision.REMINDED, "state", START + 2 * DAY)
    rung(walk, Supervision.OVERDUE, "state", START + 5 * DAY)
    walk.do(replace(DISPATCH, due_on=STATUTORY), at=START + 3 * DAY)
    assert [taken.sequence for taken in walk.last.retracts] == [5]
    assert (walk.state.supervision, supervised(walk)) == (Supervision.NORMAL, 1)
    assert replay(tuple(walk.events)) == walk.state


def test_a_milestone_is_missed_until_it_is_reached_whatever_the_state() -> None:
    walk = rung(petition(), Supervision.OVERDUE, "met", START + 3 * DAY)
    walk.do(replace(DISPATCH, due_on=STATUTORY), at=START + 4 * DAY)
    assert walk.state.supervision is Supervision.OVERDUE
    walk.do(ReachMilestone(Milestone.INVESTIGATED), at=START + 4 * DAY)
    assert walk.state.supervision is Supervision.OVERDUE
    walk.do(ReachMilestone(Milestone.MET), at=START + 5 * DAY)
    assert (walk.state.supervision, walk.last.retracts) == (Supervision.NORMAL, ())


def test_a_milestone_reached_in_time_takes_its_alarm_back_and_no_other() -> None:
    walk = rung(petition(), Supervision.OVERDUE, "met", START + 3 * DAY)
    rung(walk, Supervision.OVERDUE, "investigated", START + 5 * DAY)
    walk.do(ReachMilestone(Milestone.MET), at=START + 2 * DAY)
    assert [taken.sequence for taken in walk.last.retracts] == [4]
    assert [alarm.limit for alarm in walk.state.alarms] == ["investigated"]


def test_what_a_person_ordered_stands_until_a_person_lifts_it() -> None:
    walk = petition().do(Supervise(Supervision.SUPERVISED)).do(DISPATCH)
    assert walk.state.supervision is Supervision.SUPERVISED
    rung(walk, Supervision.OVERDUE, "local_due_on").do(Supervise(Supervision.NORMAL))
    assert (walk.state.supervision, walk.state.alarms) == (Supervision.NORMAL, ())
    assert rung(walk, Supervision.SUPERVISED, "local_due_on").state.supervision is Supervision.SUPERVISED


def test_a_new_opening_has_no_alarm_of_the_one_before() -> None:
    walk = petition(State.AGREED).do(Supervise(Supervision.SUPERVISED)).all([FOLLOW_UP, CLOSE])
    assert walk.state.supervision is Supervision.SUPERVISED
    assert walk.do(Reopen(ReopenReason.NEW_PETITION)).state.supervision is Supervision.NORMAL


# red
def test_a_leader_is_responsible_for_red_and_the_alarms_go_on_beneath() -> None:
    walk = rung(petition(), Supervision.OVERDUE, "local_due_on").do(ChangeColour(Colour.RED, "weapon"))
    assert (walk.state.supervision, payload_of(walk.last).supervision) == (Supervision.ESCALATED,) * 2
    rung(walk, Supervision.SUPERVISED, "local_due_on")
    assert level(walk) == "escalated"
    walk.do(ChangeColour(Colour.YELLOW, "weapon_removed"))
    assert level(walk) == "supervised"


def test_red_stays_with_its_leader_when_the_matter_moves() -> None:
    walk = rung(petition(), Supervision.OVERDUE, "state").do(ChangeColour(Colour.RED, "weapon")).do(DISPATCH)
    assert (walk.state.alarms, walk.state.supervision) == ((), Supervision.ESCALATED)


# alarms before an alarm that is taken back
TERM = date(2024, 6, 17)


def expired() -> Walk:
    """A petition whose county limit was missed, and whose term ran out after that."""
    start = replace(PETITION, local_due_on=TODAY + 90 * DAY, statutory_due_on=TODAY + 200 * DAY)
    walk = Walk(start, *MEDIATING[1:3], replace(DISPATCH, due_on=TERM), Sign(), BEGIN)
    rung(walk, Supervision.OVERDUE, "local_due_on", end_of(TODAY + 90 * DAY))
    return walk.do(Fail(FailureReason.TERM_EXPIRED), at=end_of(TERM), role=Role.SYSTEM, actor="timer")


def test_an_alarm_stands_again_when_the_matter_goes_on() -> None:
    walk = expired()
    assert walk.state.supervision is Supervision.NORMAL
    walk.do(
        Extend(consent_of_all=True, days=30, due_on=TERM + 30 * DAY), at=datetime.fromisoformat("2024-06-10T02:00Z")
    )
    assert (walk.state.supervision, supervised(walk)) == (Supervision.OVERDUE, 1)
    repeated = command(Supervise(Supervision.OVERDUE, "local_due_on"))
    assert refused(walk.state, repeated).code == "rung_not_higher"


def test_a_limit_reported_again_meanwhile_stands_once_when_the_matter_goes_on() -> None:
    other = "7f9c2d3e-8f5c-5d0e-9a6b-3c1f7e2a4d58"
    walk = rung(petition(), Supervision.OVERDUE, "local_due_on")
    first = walk.state.alarms
    walk.do(ShareFailure(other, "refused"))
    rung(walk, Supervision.OVERDUE, "local_due_on")
    assert walk.state.alarms != first
    walk.do(Unshare(other))
    assert walk.state.alarms == first


@pytest.mark.parametrize(("day", "left"), [("2024-05-20", 0), ("2024-06-05", 1)])
def test_the_paper_takes_back_the_alarms_that_it_precedes(day: str, left: int) -> None:
    walk = expired().do(SETTLED, at=datetime.fromisoformat(f"{day}T02:00Z"))
    assert (supervised(walk), walk.state.supervision) == (left, Supervision.NORMAL)
    assert replay(tuple(walk.events)) == walk.state
