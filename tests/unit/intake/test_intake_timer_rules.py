"""Which limits run, which timers an event sets, what each step says, and when it is obsolete."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    Accept,
    Actor,
    BeginScreening,
    Bounce,
    Channel,
    Clarity,
    Command,
    DateName,
    Dimensions,
    Dispatch,
    DispatchMode,
    Dispute,
    Event,
    Fail,
    Instruction,
    Level,
    ProvisionalDate,
    Reclassify,
    Regime,
    Register,
    RequestInformation,
    Role,
    SettledDate,
    SettleDueDates,
    Sign,
    Span,
    State,
    Supervise,
    Supervision,
    dispute_id_of,
    end_of,
    evolve,
)
from services.intake.law.timer_changes import nothing_set, set_by, timers_after
from services.intake.law.timers import (
    STATE,
    Running,
    Step,
    Timer,
    changed_by,
    command_id_of,
    following,
    instructions_at,
    overdue,
    reported_by,
    running,
    waits_for,
)
from tests.support.intake import BOOK
from tests.support.lifecycle import decided

AT = datetime(2024, 3, 5, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLERK, SYSTEM = Actor(Role.CLERK, "clerk-1"), Actor(Role.SYSTEM, "timer")
ID = dispute_id_of("court-620725", "A-1")
SIGN_BY, DUE_ON, LOCAL = DateName.SIGN_BY.value, DateName.DUE_ON.value, DateName.LOCAL_DUE_ON.value
DISPATCH = Dispatch(
    "justice_bureau",
    level=Level.TOWNSHIP,
    dispatch_mode=DispatchMode.ASSIGNED,
    sign_by=AT + 13 * HOUR,
)
SIGN = Sign(due_on=date(2024, 4, 4))
LIMIT = date(2024, 5, 6)
REGISTER = Register(
    dimensions=Dimensions(Channel.COURT, "court-620725", county_code="620725", regime=Regime.A),
    received_on=date(2024, 3, 4),
    source_ref="A-1",
)
ACCEPT = Accept(Clarity.CLEAR, Clarity.CLEAR, consent_of_all=True)


def live(*orders: Instruction, register: Register = REGISTER) -> tuple[Dispute, list[tuple[Event, Dispute]]]:
    """Return a dispute after orders an hour apart, and its events with the states after them."""
    dispute: Dispute | None = None
    steps: list[tuple[Event, Dispute]] = []
    for hours, instruction in enumerate((register, *orders)):
        command = Command(f"c-{hours}", ID, CLERK, AT + hours * HOUR, instruction)
        for event in decided(dispute, command):
            dispute = evolve(dispute, event)
            steps.append((event, dispute))
    assert dispute is not None
    return dispute, steps


def accepted(*orders: Instruction) -> tuple[Dispute, list[tuple[Event, Dispute]]]:
    return live(BeginScreening(), ACCEPT, *orders)


def set_by_last(steps: list[tuple[Event, Dispute]]) -> dict[str, Timer]:
    """Return the timers that the last event sets, by their limit."""
    event, after = steps[-1]
    ran = running(steps[-2][1], BOOK)
    return {timer.limit: timer for timer in changed_by(event, ran, after, running(after, BOOK), BOOK)}


def timer_at(limit: str, step: Step, at: datetime) -> Timer:
    return Timer(ID, limit, step, at, at)


def test_the_last_day_of_a_limit_counts_whole() -> None:
    assert end_of(date(2024, 4, 4)) == datetime(2024, 4, 4, 16, tzinfo=UTC)


def test_a_dispatch_sets_one_timer_of_the_sign_off_limit() -> None:
    dispute, steps = accepted(DISPATCH)
    timers = set_by_last(steps)
    remind_at = AT + 3 * HOUR + 10 * HOUR * 0.8
    assert timers == {SIGN_BY: timer_at(SIGN_BY, Step.REMINDER, remind_at)}
    end = following(timers[SIGN_BY], dispute, running(dispute, BOOK), BOOK)
    assert end == timer_at(SIGN_BY, Step.OVERDUE, AT + 13 * HOUR)
    assert following(end, dispute, running(dispute, BOOK), BOOK) is None


def test_a_signature_ends_the_one_limit_and_starts_the_term() -> None:
    dispute, steps = accepted(DISPATCH, SIGN)
    timers = set_by_last(steps)
    assert set(timers) == {DUE_ON, STATE}
    assert {timer.step for timer in timers.values()} == {Step.REMINDER}
    now = running(dispute, BOOK)
    assert not waits_for(timer_at(SIGN_BY, Step.OVERDUE, AT), now)
    assert now[DUE_ON] == Running(end_of(date(2024, 4, 4)))


def test_an_event_that_moves_no_limit_sets_nothing() -> None:
    _, steps = accepted(DISPATCH, Supervise(Supervision.REMINDED, SIGN_BY))
    assert set_by_last(steps) == {}


@pytest.mark.parametrize("taken", range(1, 9))
def test_steps_together_set_what_they_set_one_by_one(taken: int) -> None:
    warned, again = Supervise(Supervision.REMINDED, SIGN_BY), replace(DISPATCH, sign_by=AT + 20 * HOUR)
    _, life = accepted(DISPATCH, warned, Bounce("wrong_department"), again, SIGN)
    steps, earlier = life[-taken:], life[:-taken]
    ran = running(earlier[-1][1], BOOK) if earlier else {}
    done = nothing_set(ran)
    for step in steps:
        done = done.then(set_by(done.running, [step], BOOK, AT))
    together = set_by(ran, steps, BOOK, AT)
    assert together.timers == {limit: its for limit, its in done.timers.items() if waits_for(its, done.running)}
    assert set(together.timers) >= {STATE}
    assert (together.running, together.late) == (done.running, done.late)


@pytest.mark.parametrize("at", [AT + 3 * DAY, datetime(2024, 4, 20, tzinfo=UTC)])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_late_paper_waits_alike_however_it_is_divided_into_units(at: datetime, first: int) -> None:
    """The signature's reminder, and the term's whole end, lie before the second day of writing."""
    _, life = accepted(DISPATCH, SIGN, Supervise(Supervision.REMINDED, STATE))

    def waiting(*units: list[tuple[Event, Dispute]]) -> dict[str, Timer]:
        timers: dict[str, Timer] = {}
        ran = running(life[2][1], BOOK)
        for steps in units:
            done = set_by(ran, steps, BOOK, at)
            assert done.late
            timers = timers_after(done, (), ran, steps[-1][1], book=BOOK, at=at).applied(timers, ())
            ran = done.running
        return timers

    paper = life[3:]
    assert (
        waiting(paper)
        == waiting(*([each] for each in paper))
        == waiting(*(p for p in (paper[:first], paper[first:]) if p))
    )


def test_an_end_whose_alarm_rose_further_is_not_found_again() -> None:
    dispute, _ = live(register=replace(REGISTER, local_due_on=LIMIT))
    end = end_of(LIMIT)
    for rung in (Supervision.OVERDUE, Supervision.SUPERVISED):
        (event,) = decided(dispute, Command(rung.value, ID, SYSTEM, end, Supervise(rung, LOCAL)))
        dispute = evolve(dispute, event)
    assert overdue(dispute, running(dispute, BOOK), end) == ()


def test_the_end_of_a_term_fails_the_mediation() -> None:
    dispute, steps = accepted(DISPATCH, SIGN)
    end = following(set_by_last(steps)[DUE_ON], dispute, running(dispute, BOOK), BOOK)
    assert end is not None
    (order,) = instructions_at(end, dispute, BOOK)
    assert isinstance(order, Fail)
    (event,) = decided(dispute, Command("x", ID, SYSTEM, end.due_at, order))
    assert (event.to_state, event.limit) == (State.FAILED, DUE_ON)


def test_a_limit_that_does_not_end_by_itself_climbs_the_ladder() -> None:
    dispute, _ = live(register=replace(REGISTER, local_due_on=LIMIT))
    now, end = running(dispute, BOOK), end_of(LIMIT)
    step: Timer | None = timer_at(LOCAL, Step.REMINDER, AT)
    climbed: list[tuple[datetime, tuple[Instruction, ...]]] = []
    while step is not None:
        climbed.append((step.due_at, instructions_at(step, dispute, BOOK)))
        step = following(step, dispute, now, BOOK)
    assert climbed == [
        (AT, (Supervise(Supervision.REMINDED, LOCAL),)),
        (end, (Supervise(Supervision.OVERDUE, LOCAL),)),
        (end + 3 * DAY, (Supervise(Supervision.SUPERVISED, LOCAL),)),
        (end + 7 * DAY, (Supervise(Supervision.ESCALATED, LOCAL),)),
    ]


def test_a_limit_that_moves_starts_with_its_reminder_again() -> None:
    dispute, steps = live(register=replace(REGISTER, local_due_on=LIMIT))
    before = running(dispute, BOOK)
    event = replace(steps[-1][0], occurred_at=AT + DAY)
    moved = replace(dispute, cohort=replace(dispute.cohort, local_due_on=LIMIT + 10 * DAY))
    (timer,) = changed_by(event, before, moved, running(moved, BOOK), BOOK)
    whole = end_of(LIMIT + 10 * DAY) - (AT + DAY)
    assert (timer.step, timer.due_at) == (Step.REMINDER, AT + DAY + whole * 80 / 100)


def test_a_state_that_is_reached_again_has_its_limit_again() -> None:
    """Bounced into the same state within one day, the limit's end is the same; its ladder is not."""
    dispute, steps = accepted(DISPATCH, Bounce("not_our_duty"))
    timers = set_by_last(steps)
    assert (timers[STATE].step, dispute.state) == (Step.REMINDER, State.ACCEPTED)


@pytest.mark.parametrize("rung", [None, Supervision.REMINDED, Supervision.SUPERVISED])
def test_what_nobody_signed_goes_back_to_the_dispatcher(rung: Supervision | None) -> None:
    dispute, _ = accepted(DISPATCH, *([Supervise(rung)] if rung else []))
    (order,) = instructions_at(timer_at(SIGN_BY, Step.OVERDUE, AT + 13 * HOUR), dispute, BOOK)
    assert order == Bounce(SIGN_OFF_EXPIRED)
    (event,) = decided(dispute, Command("x", ID, SYSTEM, AT + 13 * HOUR, order))
    assert (event.type, event.to_state, event.reason_code) == ("bounced", State.ACCEPTED, SIGN_OFF_EXPIRED)
    assert evolve(dispute, event).supervision is (rung if rung is Supervision.SUPERVISED else Supervision.OVERDUE)


def test_a_waiting_screening_is_asked_again_and_then_refused_and_sent_back() -> None:
    asked = RequestInformation(("facts_unclear", "consent_missing"), LIMIT)
    dispute, steps = live(BeginScreening(), asked)
    timer = set_by_last(steps)[DateName.SCREEN_BY]
    assert instructions_at(timer, dispute, BOOK) == (RequestInformation(asked.missing),)
    end = following(timer, dispute, running(dispute, BOOK), BOOK)
    assert end == timer_at(DateName.SCREEN_BY, Step.OVERDUE, end_of(LIMIT))
    refusal, back = instructions_at(end, dispute, BOOK)
    (event,) = decided(dispute, Command("x", ID, SYSTEM, end.due_at, refusal))
    assert (event.reason_code, event.limit) == ("facts_unclear", DateName.SCREEN_BY)
    assert event.payload == replace(event.payload, clause=BOOK.screening.clarity_clause)
    assert decided(evolve(dispute, event), Command("y", ID, SYSTEM, end.due_at, back))[0].to_state is State.RETURNED


def test_an_obsolete_timer_says_nothing() -> None:
    dispute, _ = accepted(DISPATCH, SIGN)
    assert instructions_at(timer_at(SIGN_BY, Step.OVERDUE, AT), dispute, BOOK) == ()


@pytest.mark.parametrize(
    ("orders", "timer"),
    [
        ((BeginScreening(), RequestInformation(("consent_missing",), LIMIT)), (DateName.SCREEN_BY, Step.REMINDER)),
        ((BeginScreening(), RequestInformation(("consent_missing",), LIMIT)), (DateName.SCREEN_BY, Step.OVERDUE)),
        ((BeginScreening(), ACCEPT, DISPATCH), (SIGN_BY, Step.REMINDER)),
        ((BeginScreening(), ACCEPT, DISPATCH), (SIGN_BY, Step.OVERDUE)),
        ((BeginScreening(), ACCEPT, DISPATCH, SIGN), (DUE_ON, Step.OVERDUE)),
        ((BeginScreening(), ACCEPT, DISPATCH, SIGN), (STATE, Step.SUPERVISED)),
        ((BeginScreening(), ACCEPT, DISPATCH, SIGN), (STATE, Step.ESCALATED)),
    ],
)
def test_the_first_event_of_an_alarm_reports_the_timer(
    orders: tuple[Instruction, ...], timer: tuple[str, Step]
) -> None:
    dispute, _ = live(*orders)
    fired = timer_at(*timer, AT + 400 * DAY)
    reports = []
    for order in instructions_at(fired, dispute, BOOK):
        (event,) = decided(dispute, Command("x", ID, SYSTEM, fired.due_at, order))
        dispute = evolve(dispute, event)
        reports.append(reported_by(event))
    assert reports == [fired, *[None] * (len(reports) - 1)]


def test_ids_of_timer_commands_are_the_same_everywhere() -> None:
    timer = timer_at(DUE_ON, Step.OVERDUE, AT)
    assert command_id_of(timer, 5) == command_id_of(timer_at(DUE_ON, Step.OVERDUE, AT), 5)
    others = [(timer, 6), (timer_at(DUE_ON, Step.REMINDER, AT), 5), (timer_at(LOCAL, Step.OVERDUE, AT), 5)]
    assert command_id_of(timer, 5) not in {command_id_of(*other) for other in others}


@pytest.mark.parametrize(
    "name", [DateName.SIGN_BY, DateName.DUE_ON, DateName.LOCAL_DUE_ON, DateName.STATUTORY_DUE_ON, DateName.SCREEN_BY]
)
def test_a_provisional_limit_is_reminded_of_but_has_no_end(name: DateName) -> None:
    if name is DateName.SCREEN_BY:
        dispute, _ = live(BeginScreening(), RequestInformation(("consent_missing",), LIMIT))
    else:
        dispute, _ = accepted(DISPATCH, *([SIGN] if name is DateName.DUE_ON else []))
    dispute = replace(dispute, cohort=replace(dispute.cohort, local_due_on=LIMIT, statutory_due_on=LIMIT))
    day = dispute.last_day(name)
    assert day is not None
    marked = replace(dispute, provisional=(ProvisionalDate(name, day, day, (Span(1),), 2024),))
    end, reminder = timer_at(name, Step.OVERDUE, AT), timer_at(name, Step.REMINDER, AT)
    assert waits_for(end, running(dispute, BOOK))
    assert not waits_for(end, running(marked, BOOK))
    assert instructions_at(end, marked, BOOK) == ()
    assert waits_for(reminder, running(marked, BOOK))
    assert following(reminder, marked, running(marked, BOOK), BOOK) is None
    assert name not in {timer.limit for timer in overdue(marked, running(marked, BOOK), AT + 400 * DAY)}


def test_a_settled_limit_that_was_reminded_of_goes_on_with_its_end() -> None:
    dispute, _ = accepted(DISPATCH, SIGN, Supervise(Supervision.REMINDED, DUE_ON))
    known = ProvisionalDate(DateName.DUE_ON, date(2024, 4, 4), date(2024, 3, 5), (Span(30),), 2024)
    marked = replace(dispute, provisional=(known,))
    order = SettleDueDates((SettledDate(DateName.DUE_ON, date(2024, 4, 4), date(2024, 4, 8)),))
    (event,) = decided(marked, Command("x", ID, Actor(Role.SYSTEM, "calendar"), AT + 90 * DAY, order))
    after = evolve(marked, event)
    timers = changed_by(event, running(marked, BOOK), after, running(after, BOOK), BOOK)
    assert timers == (timer_at(DUE_ON, Step.OVERDUE, end_of(date(2024, 4, 8))),)
    # A further year is missing: it is reminded of anew, and still has no end.
    still = replace(after, provisional=(replace(known, day=date(2024, 4, 8), missing_year=2025),))
    (again,) = changed_by(event, running(marked, BOOK), still, running(still, BOOK), BOOK)
    assert again.step is Step.REMINDER
    assert following(again, still, running(still, BOOK), BOOK) is None


def test_ends_that_passed_without_an_alarm_are_found_once() -> None:
    dispute, _ = live(register=replace(REGISTER, local_due_on=LIMIT))
    end = end_of(LIMIT)
    assert overdue(dispute, running(dispute, BOOK), end - timedelta(seconds=1)) == ()
    assert overdue(dispute, running(dispute, BOOK), end) == (timer_at(LOCAL, Step.OVERDUE, end),)
    (event,) = decided(dispute, Command("x", ID, SYSTEM, end, Supervise(Supervision.OVERDUE, LOCAL)))
    alarmed = evolve(dispute, event)
    assert overdue(alarmed, running(alarmed, BOOK), end) == ()


def test_a_limit_that_is_over_when_it_is_written_down_is_not_reminded_of() -> None:
    dispute, steps = live(register=replace(REGISTER, local_due_on=date(2024, 3, 4)))
    timers = changed_by(steps[0][0], {}, dispute, running(dispute, BOOK), BOOK)
    assert timers == (timer_at(LOCAL, Step.OVERDUE, end_of(date(2024, 3, 4))),)


def test_an_alarm_stands_when_its_fact_is_only_restated() -> None:
    dispute, _ = accepted(DISPATCH, Supervise(Supervision.REMINDED, SIGN_BY))
    (event,) = decided(dispute, Command("x", ID, CLERK, AT + DAY, Reclassify(category="07", reason_code="clerk_error")))
    assert "supervised" in {taken.type.value for taken in event.retracts}
    assert evolve(dispute, event).supervision is Supervision.REMINDED
