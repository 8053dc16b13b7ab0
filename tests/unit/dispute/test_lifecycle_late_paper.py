"""What happened in time counts, whenever it is written down (ADR-0016)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    Agree,
    BeginFollowUp,
    BeginScreening,
    Bounce,
    ChangeColour,
    Channel,
    Colour,
    Command,
    DateName,
    Dispute,
    EscalateLevel,
    Event,
    EventKind,
    Extend,
    Fail,
    FailureReason,
    Instruction,
    Level,
    Limit,
    Link,
    NoteUndocked,
    OutcomeForm,
    Rate,
    Reclassify,
    RefuseMediation,
    RequestInformation,
    Resume,
    ReturnToSource,
    Role,
    SettledDate,
    SettleDueDates,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    decide,
    end_of,
    replay,
)
from hub.errors import Refusal
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    CLOSE,
    DIGEST,
    DISPATCH,
    MASTER,
    MEDIATING,
    REGISTER,
    Walk,
    command,
    mark_of,
    refused,
    registration,
)

DAY = timedelta(days=1)
TERM = date(2024, 6, 17)
OVER = end_of(TERM)
BACK = ReturnToSource(Channel.COURT, DIGEST)
EXPIRED = Fail(FailureReason.TERM_EXPIRED)
LATE_BY_RULE = Limit(too_late=True)
CONCLUSIONS = (EventKind.AGREED, EventKind.FAILED, EventKind.WITHDRAWN)


def on(day: int) -> datetime:
    """Return ten o'clock of a day of June."""
    return datetime(2024, 6, day, 2, tzinfo=UTC)


def mediating() -> Walk:
    return Walk(*MEDIATING[:3], replace(DISPATCH, due_on=TERM), Sign(), BEGIN)


def alarmed(walk: Walk, instruction: Instruction, at: datetime) -> Walk:
    return walk.do(instruction, at=at, role=Role.SYSTEM, actor="timer")


def failed() -> Walk:
    return alarmed(mediating(), EXPIRED, OVER)


def returned() -> Walk:
    return failed().do(BACK, at=on(18))


def dispatched() -> Walk:
    return Walk(*MEDIATING[:3]).do(replace(DISPATCH, sign_by=on(5)))


def bounced() -> Walk:
    return alarmed(dispatched(), Bounce(SIGN_OFF_EXPIRED), on(5))


def waiting() -> Walk:
    return Walk(REGISTER, BeginScreening(), RequestInformation(("consent_missing",), date(2024, 6, 7)))


def given_up() -> Walk:
    refusal = RefuseMediation("consent_missing", waited=True)
    return alarmed(alarmed(waiting(), refusal, end_of(date(2024, 6, 7))), ReturnToSource(Channel.COURT), on(8))


def taken(event: Event) -> list[EventKind]:
    return [each.type for each in event.retracts]


def kinds(walk: Walk) -> list[EventKind]:
    return [fact.type for fact in walk.state.counted]


def read_again(walk: Walk) -> None:
    assert replay(tuple(walk.events)) == walk.state


# each alarm, and the paper that it fired on
def test_an_agreement_of_the_last_day_but_one_counts_once_and_the_failure_never() -> None:
    walk = returned().do(AGREE, at=on(16))
    event, dispute = walk.last, walk.state
    assert (event.rewinds_to, taken(event)) == (7, [EventKind.FAILED, EventKind.RETURNED])
    assert (event.from_state, event.to_state, event.transition) == (State.RETURNED, State.AGREED, "T14a")
    assert (event.ordinal, event.conclusion_ordinal, event.business_day) == (1, 1, date(2024, 6, 16))
    assert (dispute.cohort.agreed_on, dispute.cohort.concluded_on) == (date(2024, 6, 16), date(2024, 6, 16))
    assert (dispute.state, dispute.conclusions, dispute.dimensions.outcome_code) == (State.AGREED, 1, "")
    assert [kind for kind in kinds(walk) if kind in CONCLUSIONS] == [EventKind.AGREED]
    assert EventKind.RETURNED not in kinds(walk)
    read_again(walk)


def test_an_agreement_of_after_the_term_is_too_late() -> None:
    assert refused(returned().state, command(AGREE, at=OVER)).code == "wrong_state"


def test_late_paper_reaches_through_the_follow_up_and_the_strike_off() -> None:
    walk = (
        returned()
        .do(BeginFollowUp(date(2024, 6, 25)), at=on(18))
        .do(CLOSE, at=on(19))
        .do(Rate(0), at=on(20))
        .do(AGREE, at=on(16))
    )
    assert taken(walk.last) == [EventKind.FAILED, EventKind.RETURNED, EventKind.FOLLOW_UP_BEGUN, EventKind.CLOSED]
    assert (walk.state.state, walk.state.cohort.closed_on) == (State.AGREED, None)
    assert EventKind.RATED in kinds(walk)
    read_again(walk)


def test_a_signature_in_time_takes_the_bounce_back() -> None:
    walk = bounced().do(Sign(TERM), at=on(4))
    assert (walk.last.rewinds_to, taken(walk.last)) == (5, [EventKind.BOUNCED])
    assert (walk.state.state, walk.state.sign_by, walk.state.cohort.due_on) == (State.SIGNED, None, TERM)
    assert (walk.state.times(EventKind.BOUNCED), walk.state.alarms) == (0, ())
    assert walk.state.co_departments == DISPATCH.co_departments
    read_again(walk)


def test_an_extension_in_time_takes_the_failure_back_and_the_term_runs_on() -> None:
    walk = failed().do(Extend(consent_of_all=True, days=30, due_on=TERM + 30 * DAY), at=on(15))
    assert (taken(walk.last), walk.state.state) == ([EventKind.FAILED], State.MEDIATING)
    assert (walk.state.cohort.due_on, walk.state.cohort.concluded_on) == (TERM + 30 * DAY, None)
    assert (walk.state.conclusions, walk.state.failed_on, walk.state.checkpoints) == (0, None, ())
    alarmed(walk, EXPIRED, end_of(TERM + 30 * DAY))
    assert (walk.last.ordinal, walk.last.conclusion_ordinal) == (1, 1)
    read_again(walk)


def test_a_suspension_in_time_takes_the_failure_back_and_stops_the_clock() -> None:
    walk = failed().do(Suspend(SuspendReason.APPRAISAL_BEFORE_FILING), at=on(10))
    assert (walk.state.state, walk.state.clock_stopped_on) == (State.SUSPENDED, date(2024, 6, 10))
    assert EventKind.FAILED not in kinds(walk)
    walk.do(Resume(TERM + 10 * DAY), at=on(20))
    assert walk.state.cohort.due_on == TERM + 10 * DAY
    read_again(walk)


def test_consent_in_time_takes_the_refusal_and_the_return_back() -> None:
    walk = given_up().do(ACCEPT, at=on(6))
    assert taken(walk.last) == [EventKind.MEDIATION_REFUSED, EventKind.RETURNED]
    assert (walk.state.state, walk.state.missing, walk.state.screen_by) == (State.ACCEPTED, (), None)
    assert walk.state.dimensions.outcome_code == ""
    assert walk.state.cohort.accepted_on == date(2024, 6, 6)
    read_again(walk)


def test_what_turns_out_to_be_no_matter_for_docking_is_not_counted_after_the_wait_either() -> None:
    walk = given_up().do(NoteUndocked("harassment_call"), at=on(6))
    assert taken(walk.last) == [EventKind.REGISTERED, EventKind.MEDIATION_REFUSED, EventKind.RETURNED]
    assert kinds(walk) == []
    read_again(walk)


def test_a_signature_in_time_takes_back_the_bounce_and_the_failure_that_followed_it() -> None:
    """A later alarm does not settle the one before: paper may be missing for both."""
    walk = alarmed(bounced_in_its_term(), EXPIRED, OVER).do(Sign(), at=on(12))
    assert taken(walk.last) == [EventKind.BOUNCED, EventKind.FAILED]
    assert (walk.state.state, walk.state.conclusions, walk.state.cohort.due_on) == (State.SIGNED, 0, TERM)
    read_again(walk)


def test_the_earlier_alarm_stands_when_only_the_later_one_is_groundless() -> None:
    walk = alarmed(bounced_in_its_term(), EXPIRED, OVER).do(Agree(OutcomeForm.SELF_SETTLED), at=on(15))
    assert taken(walk.last) == [EventKind.FAILED]
    assert (walk.state.state, walk.state.checkpoints) == (State.AGREED, ())
    assert EventKind.BOUNCED in kinds(walk)
    read_again(walk)


def bounced_in_its_term() -> Walk:
    """Return a dispute whose term runs, since it was signed before, and that nobody signed after its escalation."""
    walk = mediating().do(EscalateLevel("town-centre", "deadlock"), at=on(10)).do(Bounce("not_our_duty"), at=on(11))
    walk.do(replace(DISPATCH, level=Level.TOWNSHIP, sign_by=on(13)), at=on(11))
    return alarmed(walk, Bounce(SIGN_OFF_EXPIRED), on(13))


# what stands, and what settles
@pytest.mark.parametrize(
    "beside",
    [
        ChangeColour(Colour.YELLOW, "threat"),
        Reclassify(category="0101", reason_code="clerk_error"),
        Link(MASTER),
        Supervise(Supervision.SUPERVISED),
    ],
    ids=lambda order: type(order).__name__,
)
def test_a_fact_of_before_that_does_not_concern_the_alarm_takes_nothing_back(beside: Instruction) -> None:
    walk = failed().do(beside, at=on(10))
    assert (walk.last.rewinds_to, walk.state.state) == (0, State.FAILED)
    assert EventKind.FAILED in kinds(walk)
    assert walk.do(AGREE, at=on(16)).last.rewinds_to == 7


def test_what_was_put_right_between_the_alarm_and_the_paper_stays_right() -> None:
    walk = returned().do(Reclassify(town_code="620725102", reason_code="wrong_town"), at=on(18))
    walk.do(ChangeColour(Colour.BLUE, "threat"), at=on(18)).do(AGREE, at=on(16))
    dimensions = walk.state.dimensions
    assert (dimensions.town_code, dimensions.village_code, dimensions.colour) == ("620725102", "", Colour.BLUE)
    assert {fact.dimensions.town_code for fact in walk.state.counted} == {"620725102"}
    assert (dimensions.mediator_id, dimensions.outcome_form) == (BEGIN.mediator_id, OutcomeForm.AGREEMENT)
    read_again(walk)


def test_a_new_dispatch_settles_that_the_bounce_stands() -> None:
    walk = bounced().do(replace(DISPATCH, due_on=TERM, sign_by=on(9)), at=on(6))
    assert walk.state.checkpoints == ()
    before = walk.dispute
    assert refused(before, command(Sign(), at=on(4))).code == "dispatched_anew"
    walk.do(Sign(), at=on(7))
    assert (taken(walk.last), walk.state.alarms) == ([], ())
    assert EventKind.BOUNCED in kinds(walk)


def test_paper_that_came_too_late_by_the_rules_changes_nothing() -> None:
    walk = returned()
    before = walk.dispute
    assert (
        refused(before, replace(command(AGREE, at=on(16)), limit=Limit(AGREE.confirm_by, too_late=True))).code
        == "paper_too_late"
    )
    walk.do(ChangeColour(Colour.BLUE, "threat"), at=on(16), limit=LATE_BY_RULE)
    assert (walk.state.state, taken(walk.last)) == (State.RETURNED, [])


def test_an_alarm_of_supervision_stands_against_paper_that_came_too_late() -> None:
    walk = alarmed(Walk(*MEDIATING[:3]), Supervise(Supervision.OVERDUE, "state"), on(5))
    walk.do(replace(DISPATCH, due_on=TERM), at=on(4), limit=LATE_BY_RULE)
    assert (taken(walk.last), walk.state.supervision) == ([], Supervision.NORMAL)
    assert EventKind.SUPERVISED in kinds(walk)


def test_why_the_paper_is_refused_is_told_of_the_time_when_it_happened() -> None:
    assert refused(failed().state, command(replace(AGREE, signed_by_all=False), at=on(16))).code == "unsigned"


def test_one_paper_after_the_other() -> None:
    """Mediation that began in time, then the agreement that it reached in time."""
    signed = Walk(*MEDIATING[:3], replace(DISPATCH, due_on=TERM), Sign())
    walk = alarmed(signed, EXPIRED, OVER).do(BEGIN, at=on(10))
    assert (taken(walk.last), walk.state.state) == ([EventKind.FAILED], State.MEDIATING)
    walk.do(AGREE, at=on(16))
    assert (walk.last.rewinds_to, walk.last.conclusion_ordinal) == (0, 1)
    read_again(walk)


def test_mediation_that_began_in_time_has_the_term_that_ran_and_not_that_of_a_second_attempt() -> None:
    signed = Walk(*MEDIATING[:3], replace(DISPATCH, due_on=TERM), Sign())
    walk = alarmed(signed, EXPIRED, OVER)

    def rules(state: Dispute | None, given: Command) -> Command:
        again = state is not None and state.state is State.FAILED
        return replace(given, limit=Limit(TERM + 9 * DAY, "程序规定 183")) if again else given

    outcome = decide(walk.state, command(BEGIN, at=on(10)), rules)
    assert not isinstance(outcome, Refusal)
    assert (outcome[0].cohort.due_on, outcome[0].transition) == (TERM, "T10")


def test_the_alarm_may_come_again_and_be_taken_back_again() -> None:
    signed = Walk(*MEDIATING[:3], replace(DISPATCH, due_on=TERM), Sign())
    walk = alarmed(alarmed(signed, EXPIRED, OVER).do(BEGIN, at=on(10)), EXPIRED, OVER).do(AGREE, at=on(16))
    assert [kind for kind in kinds(walk) if kind in CONCLUSIONS] == [EventKind.AGREED]
    assert (walk.last.rewinds_to, walk.last.conclusion_ordinal) == (8, 1)
    read_again(walk)


def test_a_failure_that_a_person_reported_is_no_alarm() -> None:
    walk = mediating().do(Fail(FailureReason.DEADLOCK), at=on(12))
    assert refused(walk.state, command(AGREE, at=on(10))).code == "wrong_state"


# provisional dates
STATUTORY = TERM + 30 * DAY


def petition() -> Walk:
    start = replace(registration(Channel.PETITION), statutory_due_on=STATUTORY)
    walk = Walk().do(start, counted=(mark_of(DateName.STATUTORY_DUE_ON, STATUTORY),))
    walk.all([*MEDIATING[1:3], replace(DISPATCH, due_on=TERM), Sign(), BEGIN])
    return alarmed(walk, EXPIRED, OVER)


def test_a_holiday_table_between_the_alarm_and_the_paper_is_not_forgotten() -> None:
    settled = SettleDueDates((SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, STATUTORY + DAY),))
    walk = petition().do(settled, at=on(18)).do(AGREE, at=on(16))
    assert (walk.state.cohort.statutory_due_on, walk.state.provisional) == (STATUTORY + DAY, ())
    assert {fact.cohort.statutory_due_on for fact in walk.state.counted} == {STATUTORY + DAY}
    read_again(walk)


def test_a_date_that_another_table_still_leaves_open_is_provisional_after_the_paper_too() -> None:
    again = mark_of(DateName.STATUTORY_DUE_ON, STATUTORY + DAY)
    settled = SettleDueDates((SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, again.day),))
    walk = petition().do(settled, at=on(18), counted=(again,)).do(AGREE, at=on(16))
    assert walk.state.is_provisional(DateName.STATUTORY_DUE_ON)
    read_again(walk)


def test_a_limit_of_the_dispute_alone_is_put_right_in_what_is_restored() -> None:
    """The term ran out while a further dispatch waited for its signature until a provisional day."""
    day = date(2024, 6, 20)
    mark = mark_of(DateName.SIGN_BY, day)
    walk = mediating().do(EscalateLevel("town-centre", "deadlock"), at=on(10)).do(Bounce("not_our_duty"), at=on(11))
    walk.do(replace(DISPATCH, level=Level.TOWNSHIP, sign_by=end_of(day)), at=on(11), counted=(mark,))
    alarmed(walk, EXPIRED, OVER).do(SettleDueDates((SettledDate(DateName.SIGN_BY, day, day + DAY),)), at=on(18))
    walk.do(Sign(), at=on(12))
    assert (taken(walk.last), walk.state.state, walk.state.provisional) == ([EventKind.FAILED], State.SIGNED, ())
    assert walk.state.sign_by is None
    checkpoint = replay(tuple(walk.events[:-1])).checkpoints[0]
    assert (checkpoint.before.sign_by, checkpoint.before.provisional) == (end_of(day + DAY), ())
    read_again(walk)


def test_the_day_until_which_the_screening_waits_is_put_right() -> None:
    day = date(2024, 6, 7)
    walk = Walk(REGISTER, BeginScreening())
    walk.do(RequestInformation(("consent_missing",), day), counted=(mark_of(DateName.SCREEN_BY, day),))
    assert walk.state.is_provisional(DateName.SCREEN_BY)
    walk.do(SettleDueDates((SettledDate(DateName.SCREEN_BY, day, day + 3 * DAY),)), at=on(1))
    assert (walk.state.screen_by, walk.state.provisional) == (day + 3 * DAY, ())
    read_again(walk)
