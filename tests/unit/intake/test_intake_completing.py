"""Intake's calendar counts every last day that follows from another, and is asked about one that a caller names."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from msgspec.structs import replace

from dispute.calendar.working_days import WorkCalendar
from dispute.lifecycle import (
    Agree,
    ApplyForConfirmation,
    Channel,
    Command,
    DateName,
    Dispute,
    EventKind,
    Extend,
    Extension,
    Instruction,
    Limit,
    ProvisionalDate,
    Regime,
    Register,
    Resume,
    Role,
    Sign,
    Span,
    State,
    Suspend,
    SuspendReason,
    business_day,
    end_of,
)
from services.intake.law.completion import AGREED_MOST, complete
from services.intake.law.deadlines import HOLIDAYS
from services.intake.law.facts import Facts
from services.intake.law.rulebook import Rulebook
from tests.support.intake import BOOK, LIMITS
from tests.support.lifecycle import (
    AGREE,
    DISPATCH,
    REGISTER,
    START,
    TODAY,
    command,
    decided,
    payload_of,
    reach,
    refused,
    registration,
)

CALENDAR = WorkCalendar({})
DAY = timedelta(days=1)
QINGMING = START.replace(day=5)
"""30 days later is 4 April 2024: a holiday until the 6th; Sunday the 7th is worked."""
OPEN = replace(AGREE, confirm_by=None)
GO_ON = Extend(consent_of_all=True, days=30)


def asked_of(instruction: Instruction, *, at: datetime = START, role: Role = Role.CLERK) -> Command:
    """Return a command as it comes in: nothing is known of its last day yet."""
    return replace(command(instruction, at=at, role=role), limit=Limit())


def filled(asked: Command, dispute: Dispute | None, book: Rulebook = BOOK, facts: Facts | None = None) -> Command:
    """Return a command as intake decides it, written down on its own day."""
    return complete(asked, dispute, facts, book, business_day(asked.occurred_at))


def due_on(day: date, dispute: Dispute | None = None) -> Dispute:
    standing = dispute or reach(State.MEDIATING).state
    return replace(standing, cohort=replace(standing.cohort, due_on=day))


def test_the_last_day_to_apply_is_moved_off_a_holiday() -> None:
    mediating = reach(State.MEDIATING).state
    completed = filled(asked_of(OPEN, at=QINGMING), mediating)
    (event,) = decided(mediating, completed)
    assert payload_of(event).confirm_by == date(2024, 4, 7)


def test_a_last_day_that_the_caller_names_is_the_calendars_or_refused() -> None:
    mediating = reach(State.MEDIATING).state
    named = filled(asked_of(replace(AGREE, confirm_by=date(2024, 4, 7)), at=QINGMING), mediating)
    assert payload_of(decided(mediating, named)[0]).confirm_by == date(2024, 4, 7)
    for other in (date(2024, 4, 4), date(2024, 4, 8)):
        told = filled(asked_of(replace(AGREE, confirm_by=other), at=QINGMING), mediating)
        assert refused(mediating, told).code == "confirm_by_inconsistent"


@pytest.mark.parametrize("told", [replace(OPEN, confirmable=False), replace(DISPATCH, sign_by=end_of(TODAY)), Sign()])
def test_what_has_no_end_gets_none_and_what_people_set_stands(told: Agree) -> None:
    asked = asked_of(told, at=QINGMING)
    assert filled(asked, reach(State.MEDIATING).state) == asked


def test_a_day_in_a_year_without_a_table_is_filled_in_and_marked() -> None:
    asked = asked_of(OPEN, at=START.replace(year=2098))
    completed = filled(asked, reach(State.MEDIATING).state)
    mark = ProvisionalDate(DateName.CONFIRM_BY, date(2098, 3, 31), date(2098, 3, 1), (Span(30),), 2098)
    assert completed.counted == (mark,)
    assert completed.instruction == replace(AGREE, confirm_by=mark.day)


def test_without_a_table_a_named_day_may_be_where_holidays_move_it_and_is_certain() -> None:
    mediating, counted = reach(State.MEDIATING).state, date(2098, 3, 31)
    for day in (counted - HOLIDAYS, counted + HOLIDAYS):
        (event,) = decided(mediating, named_without_table(mediating, day))
        assert (payload_of(event).confirm_by, event.provisional) == (day, ())
    assert (
        refused(mediating, named_without_table(mediating, counted + HOLIDAYS + DAY)).code == "confirm_by_inconsistent"
    )


def named_without_table(mediating: Dispute, day: date) -> Command:
    asked = asked_of(replace(AGREE, confirm_by=day), at=START.replace(year=2098))
    return filled(asked, mediating)


def test_an_agreement_of_an_old_release_has_its_last_day_from_the_calendar() -> None:
    agreed = replace(reach(State.AGREED).state, confirm_by=None)
    asked = ApplyForConfirmation(jointly=True)
    last = filled(asked_of(asked, at=START + 31 * DAY), agreed)  # 31 March 2024 is a Sunday
    assert decided(agreed, last)[0].to_state is State.JC_PENDING
    assert refused(agreed, filled(asked_of(asked, at=START + 32 * DAY), agreed)).code == "confirmation_late"


def test_an_extension_is_counted_from_the_old_last_day_and_tells_its_clause() -> None:
    mediating = due_on(date(2024, 3, 5))
    (event,) = decided(mediating, filled(asked_of(GO_ON), mediating))
    assert event.cohort.due_on == date(2024, 4, 7)
    assert payload_of(event).clause == "特邀调解规定 27"


def test_a_police_mediation_has_no_extension() -> None:
    mediating = reach(State.MEDIATING, registration(Channel.POLICE)).state
    for days in (1, 7, 30):
        asked = filled(asked_of(replace(GO_ON, days=days)), mediating)
        refusal = refused(mediating, asked)
        assert refusal.code == "no_extension"
        assert "165、183" in refusal.detail


def test_a_leader_extends_a_petitions_statutory_limit_once_and_the_parties_its_mediation_again_and_again() -> None:
    start = filled(asked_of(registration(Channel.PETITION)), None).instruction
    assert isinstance(start, Register)
    mediating = reach(State.MEDIATING, start).state
    by_leader = filled(asked_of(replace(GO_ON, consent_of_all=False), role=Role.LEADER), mediating)
    (event,) = decided(mediating, by_leader)
    assert event.transition == "T13b"
    assert event.cohort.statutory_due_on == CALENDAR.calendar_due(date(2024, 4, 30), 30).day
    extended = replace(mediating, ordinals=(*mediating.ordinals, (EventKind.EXTENDED, 1)), statutory_extended=True)
    assert refused(extended, by_leader).code == "extended_already"
    assert decided(extended, filled(asked_of(GO_ON), extended))[0].transition == "T13a"


def test_days_beyond_the_rule_are_not_counted_at_all() -> None:
    filed = reach(State.MEDIATING).state
    filed = replace(filed, dimensions=replace(filed.dimensions, regime=Regime.B))
    asked = filled(asked_of(replace(GO_ON, days=31)), filed)
    grants = Extension(30, "立案与调解意见(2024)", once=True)
    assert asked.limit == Limit(None, grants.clause, grants, rule_version=BOOK.version)
    assert refused(filed, asked).code == "bad_days"


def test_parties_agree_on_any_days_that_a_calendar_can_count() -> None:
    mediating = due_on(date(2024, 3, 5))
    long = filled(asked_of(replace(GO_ON, days=100)), mediating)
    assert decided(mediating, long)[0].cohort.due_on == date(2024, 6, 13)
    refusal = refused(mediating, filled(asked_of(replace(GO_ON, days=10**9)), mediating))
    assert refusal.code == "bad_days"
    assert f"1–{AGREED_MOST}" in refusal.detail


def test_a_stopped_clock_moves_the_last_day_off_a_holiday() -> None:
    mediating = due_on(date(2024, 4, 1))
    (stop,) = decided(mediating, command(Suspend(SuspendReason.APPRAISAL_BEFORE_FILING)))
    assert stop.reason_code == SuspendReason.APPRAISAL_BEFORE_FILING
    stopped = replace(mediating, state=State.SUSPENDED, clock_stopped_on=TODAY)
    later = START + 3 * DAY  # 1 + 3 April is Qingming
    assert decided(stopped, filled(asked_of(Resume(), at=later), stopped))[0].cohort.due_on == date(2024, 4, 7)
    assert (
        refused(stopped, filled(asked_of(Resume(date(2024, 4, 4)), at=later), stopped)).code == "due_date_inconsistent"
    )


def test_a_limit_that_is_provisional_is_extended_from_what_it_may_really_be() -> None:
    mark = ProvisionalDate(DateName.DUE_ON, date(2098, 3, 3), date(2098, 2, 1), (Span(30),), 2098)
    mediating = replace(due_on(mark.day), provisional=(mark,))
    counted = date(2098, 4, 2)
    for moved in (-DAY, DAY):
        named = filled(asked_of(replace(GO_ON, due_on=counted + moved)), mediating)
        assert decided(mediating, named)[0].cohort.due_on == counted + moved
    (event,) = decided(mediating, filled(asked_of(GO_ON), mediating))
    assert event.provisional[-1].spans == (Span(30), Span(30))


def test_a_rule_in_working_days_is_carried_out_from_every_day() -> None:
    rule = replace(LIMITS.extensions[0], regime="", count="workday", clause="a rule in working days")
    book = replace(BOOK, deadlines=replace(LIMITS, extensions=(rule,)))
    days = [date(2024, 1, 1) + n * DAY for n in range(1_004)]
    standing = reach(State.MEDIATING, REGISTER).state
    for day in days:
        mediating = due_on(day, standing)
        (event,) = decided(mediating, filled(asked_of(GO_ON), mediating, book))
        assert event.cohort.due_on == CALENDAR.workday_due(day, 30).day
