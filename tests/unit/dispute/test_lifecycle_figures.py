"""What figures count by: retractions that tell their fact whole, and what later figures will need of an event."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from dispute.lifecycle import (
    Agree,
    ApplyForConfirmation,
    CohortDates,
    EventKind,
    Extend,
    OutcomeForm,
    Rate,
    Reclassify,
    RecordVisit,
    Reopen,
    ReopenReason,
    Resume,
    Retraction,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    is_dispute_id,
)
from tests.support.lifecycle import (
    AGREE,
    DIMENSIONS,
    DUE,
    FOLLOW_UP,
    START,
    TODAY,
    payload_of,
    reach,
)

DAY = timedelta(days=1)
RELAPSE = Reopen(ReopenReason.NEW_CALL)


def test_duplicate_of_earlier_releases_takes_its_registration_back() -> None:
    walk = reach(State.DUPLICATE)
    cohort = CohortDates(received_on=TODAY, registered_on=TODAY)
    assert walk.last.retracts == (Retraction(EventKind.REGISTERED, TODAY, DIMENSIONS, sequence=1, cohort=cohort),)
    assert [fact.type for fact in walk.state.counted] == [EventKind.DUPLICATE_LINKED]
    assert is_dispute_id(walk.state.master_dispute_id)


def test_reclassification_restates_every_counted_fact() -> None:
    walk = reach(State.CLOSED)
    facts = walk.state.counted
    told = walk.do(Reclassify(town_code="620725102", reason_code="wrong_town")).last
    moved: dict[str, Any] = {"town_code": "620725102", "village_code": "", "grid_code": ""}
    assert {name: getattr(told.dimensions, name) for name in moved} == moved
    assert [(taken.sequence, taken.dimensions, taken.cohort, taken.restated_as) for taken in told.retracts] == [
        (fact.sequence, fact.dimensions, fact.cohort, replace(fact.dimensions, **moved)) for fact in facts
    ]
    assert all(taken.restated for taken in told.retracts)
    again = walk.do(Reclassify(village_code="620725102001", reason_code="village_known")).last
    assert [taken.dimensions for taken in again.retracts] == [taken.restated_as for taken in told.retracts]


def test_a_correction_rewrites_no_history() -> None:
    """What was not known when a fact was counted, it does not learn by a later correction of its category."""
    walk = reach(State.CLOSED).all([RELAPSE, Agree(OutcomeForm.SELF_SETTLED)])
    told = walk.do(Reclassify(category="0101", reason_code="clerk_error")).last
    by_sequence = {taken.sequence: taken for taken in told.retracts}
    registered, first = by_sequence[1], by_sequence[7]
    assert (registered.type, first.type) == (EventKind.REGISTERED, EventKind.AGREED)
    assert registered.restated_as == replace(walk.events[0].dimensions, category="0101")
    assert registered.restated_as.mediator_id == registered.restated_as.outcome_form == ""
    assert first.restated_as == replace(walk.events[6].dimensions, category="0101")
    assert (first.cohort, first.reopen_seq) == (walk.events[6].cohort, 0)
    assert [taken.reopen_seq for taken in told.retracts if taken.type is EventKind.AGREED] == [0, 1]


def test_everything_a_later_figure_may_count_is_moved() -> None:
    walk = reach(State.FOLLOW_UP).all([Rate(0), RecordVisit(clean=True), Supervise(Supervision.REMINDED)])
    told = walk.do(Reclassify(category="0101", reason_code="clerk_error")).last
    kinds = [event.type for event in walk.events[:-1] if event.type is not EventKind.SCREENING_BEGUN]
    assert [taken.type for taken in told.retracts] == kinds


# what later figures need
def test_an_extension_tells_the_day_that_it_moved() -> None:
    walk = reach(State.MEDIATING).do(Extend(consent_of_all=True, days=30, due_on=DUE + 30 * DAY))
    assert (payload_of(walk.last).due_before, walk.last.cohort.due_on) == (DUE, DUE + 30 * DAY)
    walk.do(Suspend(SuspendReason.APPRAISAL_BEFORE_FILING)).do(Resume(DUE + 35 * DAY), at=START + 5 * DAY)
    assert (payload_of(walk.last).due_before, walk.last.cohort.due_on) == (DUE + 30 * DAY, DUE + 35 * DAY)
    walk.do(Suspend(SuspendReason.APPRAISAL)).do(Resume())
    assert payload_of(walk.last).due_before is None


def test_a_follow_up_tells_its_planned_day() -> None:
    assert payload_of(reach(State.FOLLOW_UP).last).visit_on == FOLLOW_UP.visit_on


def test_the_last_day_to_apply_is_told_and_binds() -> None:
    apply = ApplyForConfirmation(jointly=True)
    holiday = reach(State.MEDIATING).do(replace(AGREE, confirm_by=date(2024, 4, 8)))
    assert payload_of(holiday.last).confirm_by == holiday.state.confirm_by == date(2024, 4, 8)
    assert holiday.do(apply, at=datetime(2024, 4, 8, 15, tzinfo=UTC)).state.state is State.JC_PENDING
    barred = reach(State.MEDIATING).do(replace(AGREE, confirmable=False, confirm_by=date(2024, 4, 8)))
    assert payload_of(barred.last).confirm_by is None
