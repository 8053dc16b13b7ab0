"""Which timers an event sets, when they are obsolete, and what they say."""

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
    Regime,
    Register,
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
from services.intake.law.timers import (
    Timer,
    TimerKind,
    command_id_of,
    instruction_at,
    set_by,
    waits_for,
)
from tests.support.intake import LIMITS
from tests.support.lifecycle import decided

AT = datetime(2024, 3, 5, 2, tzinfo=UTC)
CLERK = Actor(Role.CLERK, "clerk-1")
ID = dispute_id_of("court-620725", "A-1")


def live(*orders: Instruction) -> tuple[Dispute, list[tuple[Event, Dispute]]]:
    """Return a dispute after orders an hour apart, and its events with the states after them."""
    register = Register(
        dimensions=Dimensions(Channel.COURT, "court-620725", county_code="620725", regime=Regime.A),
        received_on=date(2024, 3, 4),
        source_ref="A-1",
    )
    accept = Accept(Clarity.CLEAR, Clarity.CLEAR, consent_of_all=True)
    dispute: Dispute | None = None
    steps: list[tuple[Event, Dispute]] = []
    for hours, instruction in enumerate((register, BeginScreening(), accept, *orders)):
        command = Command(f"c-{hours}", ID, CLERK, AT + timedelta(hours=hours), instruction)
        for event in decided(dispute, command):
            dispute = evolve(dispute, event)
            steps.append((event, dispute))
    assert dispute is not None
    return dispute, steps


DISPATCH = Dispatch(
    "justice_bureau",
    level=Level.TOWNSHIP,
    dispatch_mode=DispatchMode.ASSIGNED,
    sign_by=AT + timedelta(hours=13),
)
SIGN = Sign(due_on=date(2024, 4, 4))
LIMIT = date(2024, 5, 6)


def test_the_last_day_of_a_limit_counts_whole() -> None:
    assert end_of(date(2024, 4, 4)) == datetime(2024, 4, 4, 16, tzinfo=UTC)


def test_a_dispatch_sets_the_sign_off_pair() -> None:
    dispute, steps = live(DISPATCH)
    reminder, end = set_by(*steps[-1], LIMITS)
    assert (reminder.kind, end.kind) == (TimerKind.SIGN_REMINDER, TimerKind.SIGN_OVERDUE)
    assert end.due_at == DISPATCH.sign_by
    assert reminder.due_at == AT + timedelta(hours=3) + timedelta(hours=10) * 0.8
    assert waits_for(TimerKind.SIGN_OVERDUE, dispute)
    assert not waits_for(TimerKind.TERM_EXPIRED, dispute)


def test_a_signature_ends_the_one_and_sets_the_term() -> None:
    dispute, steps = live(DISPATCH, SIGN)
    kinds = [timer.kind for timer in set_by(*steps[-1], LIMITS)]
    assert kinds == [TimerKind.TERM_REMINDER, TimerKind.TERM_EXPIRED]
    assert not waits_for(TimerKind.SIGN_OVERDUE, dispute)
    assert waits_for(TimerKind.TERM_EXPIRED, dispute)


def test_events_without_a_limit_set_nothing() -> None:
    _, steps = live()
    assert [set_by(event, after, LIMITS) for event, after in steps] == [(), (), ()]


def test_the_end_of_a_term_fails_the_mediation() -> None:
    dispute, steps = live(DISPATCH, SIGN)
    _, end = set_by(*steps[-1], LIMITS)
    order = instruction_at(end, dispute)
    assert isinstance(order, Fail)
    assert decided(dispute, Command("x", ID, CLERK, end.due_at, order))


@pytest.mark.parametrize(
    ("rung", "kind", "says"),
    [
        (None, TimerKind.SIGN_REMINDER, Supervision.REMINDED),
        (Supervision.REMINDED, TimerKind.SIGN_REMINDER, None),
        (Supervision.SUPERVISED, TimerKind.SIGN_REMINDER, None),
    ],
)
def test_the_ladder_is_only_climbed(rung: Supervision | None, kind: TimerKind, says: Supervision | None) -> None:
    dispute, _ = live(DISPATCH, *([Supervise(rung)] if rung else []))
    order = instruction_at(Timer(ID, kind, AT + timedelta(days=3)), dispute)
    assert order == (Supervise(says) if says else None)


@pytest.mark.parametrize("rung", [None, Supervision.REMINDED, Supervision.SUPERVISED])
def test_what_nobody_signed_goes_back_to_the_dispatcher(rung: Supervision | None) -> None:
    dispute, steps = live(DISPATCH, *([Supervise(rung)] if rung else []))
    _, end = set_by(*steps[3], LIMITS)
    order = instruction_at(end, dispute)
    assert order == Bounce(SIGN_OFF_EXPIRED)
    (event,) = decided(dispute, Command("x", ID, Actor(Role.SYSTEM, "timer"), end.due_at, order))
    assert (event.type, event.to_state, event.reason_code) == ("bounced", State.ACCEPTED, SIGN_OFF_EXPIRED)
    assert evolve(dispute, event).supervision is (rung if rung is Supervision.SUPERVISED else Supervision.OVERDUE)


def test_an_obsolete_timer_says_nothing() -> None:
    dispute, _ = live(DISPATCH, SIGN)
    assert instruction_at(Timer(ID, TimerKind.SIGN_OVERDUE, AT), dispute) is None


def test_ids_of_timer_commands_are_the_same_everywhere() -> None:
    timer = Timer(ID, TimerKind.TERM_EXPIRED, AT)
    assert command_id_of(timer, 5) == command_id_of(Timer(ID, TimerKind.TERM_EXPIRED, AT), 5)
    assert command_id_of(timer, 5) != command_id_of(timer, 6)
    assert command_id_of(timer, 5) != command_id_of(Timer(ID, TimerKind.TERM_REMINDER, AT), 5)


@pytest.mark.parametrize(
    ("name", "reminder", "end"),
    [
        (DateName.SIGN_BY, TimerKind.SIGN_REMINDER, TimerKind.SIGN_OVERDUE),
        (DateName.DUE_ON, TimerKind.TERM_REMINDER, TimerKind.TERM_EXPIRED),
        (DateName.LOCAL_DUE_ON, TimerKind.LOCAL_REMINDER, TimerKind.LOCAL_OVERDUE),
        (DateName.STATUTORY_DUE_ON, TimerKind.STATUTORY_REMINDER, TimerKind.STATUTORY_OVERDUE),
    ],
)
def test_a_provisional_limit_is_reminded_of_but_has_no_end(name: DateName, reminder: TimerKind, end: TimerKind) -> None:
    dispute, _ = live(DISPATCH, *([SIGN] if name is DateName.DUE_ON else []))
    dispute = replace(dispute, cohort=replace(dispute.cohort, local_due_on=LIMIT, statutory_due_on=LIMIT))
    day = dispute.last_day(name)
    assert day is not None
    marked = replace(dispute, provisional=(ProvisionalDate(name, day, day, (Span(1),), 2024),))
    assert waits_for(end, dispute)
    assert not waits_for(end, marked)
    assert instruction_at(Timer(ID, end, AT), marked) is None
    assert waits_for(reminder, marked)


def test_a_settled_limit_gets_its_end_and_keeps_its_reminder() -> None:
    dispute, _ = live(DISPATCH, SIGN)
    known = ProvisionalDate(DateName.DUE_ON, date(2024, 4, 4), date(2024, 3, 5), (Span(30),), 2024)
    marked = replace(dispute, provisional=(known,))
    order = SettleDueDates((SettledDate(DateName.DUE_ON, date(2024, 4, 4), date(2024, 4, 8)),))
    (event,) = decided(marked, Command("x", ID, Actor(Role.SYSTEM, "calendar"), AT + timedelta(days=90), order))
    after = evolve(marked, event)
    assert set_by(event, after, LIMITS) == (Timer(ID, TimerKind.TERM_EXPIRED, end_of(date(2024, 4, 8))),)
    # A further year is missing: still no end.
    still = replace(after, provisional=(replace(known, day=date(2024, 4, 8), missing_year=2025),))
    assert set_by(event, still, LIMITS) == ()
