"""What an event tells the other disputes of its matter, and how one of them hears it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Event,
    EventKind,
    OutcomeForm,
    RecordNonPerformance,
    RecordPerformance,
    Remedy,
    Role,
    ShareAgreement,
    ShareFailure,
    State,
    Unshare,
)
from dispute.lifecycle.link_payloads import Unlinked
from services.intake.law.shared_results import (
    SHARER,
    AnyResult,
    SharedAgreement,
    SharedFailure,
    SharedNonPerformance,
    SharedPerformance,
    SharedWithdrawal,
    effect_of,
    instruction_of,
    listeners_of,
    result_from_bytes,
    result_of,
    result_to_bytes,
)
from tests.support.lifecycle import DIGEST, START, reach


def last(state: State, kind: EventKind) -> Event:
    return next(event for event in reversed(reach(state).events) if event.type is kind)


AGREED = last(State.AGREED, EventKind.AGREED)
FAILED = last(State.FAILED, EventKind.FAILED)
RESULTS: tuple[AnyResult, ...] = (
    SharedAgreement("d-1", "c-1", OutcomeForm.AGREEMENT, 100, DIGEST, partial=True),
    SharedFailure("d-1", "c-1", "deadlock"),
    SharedPerformance("d-1", "c-1", DIGEST),
    SharedNonPerformance("d-1", "c-1"),
)


def test_outcomes_are_told_and_nothing_else() -> None:
    told = {event.type for event in reach(State.PERFORMED).events if result_of(event) is not None}
    assert told == {EventKind.AGREED, EventKind.PERFORMED}
    assert isinstance(result_of(FAILED), SharedFailure)


def test_what_was_heard_is_not_passed_on() -> None:
    assert result_of(replace(AGREED, actor_role=SHARER.role, actor_id=SHARER.actor_id)) is None
    assert result_of(replace(AGREED, actor_role=Role.SYSTEM, actor_id="timer")) is not None


def test_the_end_of_a_term_and_an_exclusion_concern_one_dispute() -> None:
    assert result_of(replace(FAILED, limit="due_on")) is None
    assert result_of(replace(FAILED, transition="T15d")) is None


def test_a_second_attempt_takes_back_what_was_heard_a_first_one_tells_nothing() -> None:
    (begun,) = (event for event in reach(State.MEDIATING).events if event.type is EventKind.MEDIATION_BEGUN)
    assert result_of(begun) is None
    assert result_of(replace(begun, transition="T10b")) == SharedWithdrawal(begun.dispute_id, begun.correlation_id)


def test_those_who_stay_hear_that_a_dispute_left() -> None:
    matter = {"a": ["b", "d-1"], "d-1": []}
    left = replace(AGREED, dispute_id="d-1", type=EventKind.UNLINKED, payload=Unlinked("a"))
    assert isinstance(result_of(left), SharedWithdrawal)
    assert listeners_of(left, matter.__getitem__) == ["a", "b"]
    heard = replace(reach(State.AGREED).state, shared_from="d-1")
    assert instruction_of(SharedWithdrawal("d-1", "c-1"), heard, None) == Unshare("d-1")
    assert instruction_of(SharedWithdrawal("d-2", "c-1"), heard, None) is None


def test_each_listener_has_an_effect_of_its_own_with_a_fixed_id() -> None:
    result = RESULTS[0]
    one, again = (effect_of(AGREED, result, "d-2", START + timedelta(days=n)) for n in range(2))
    other = effect_of(AGREED, result, "d-3", START)
    assert one.effect_id == again.effect_id != other.effect_id
    assert (one.occurred_at, one.sequence) == (AGREED.occurred_at, AGREED.sequence)


@pytest.mark.parametrize("result", RESULTS)
def test_results_come_back_from_bytes(result: AnyResult) -> None:
    assert result_from_bytes(result_to_bytes(result)) == result


def test_an_outcome_is_heard_by_everybody() -> None:
    dispute = reach(State.ACCEPTED).state
    assert instruction_of(RESULTS[0], dispute, None) == ShareAgreement(
        "d-1", OutcomeForm.AGREEMENT, 100, DIGEST, partial=True
    )
    assert instruction_of(RESULTS[1], dispute, None) == ShareFailure("d-1", "deadlock")


def test_what_became_of_an_agreement_is_heard_by_those_who_heard_of_it() -> None:
    dispute = reach(State.AGREED).state
    heard = replace(dispute, shared_from="d-1")
    assert [instruction_of(result, dispute, None) for result in RESULTS[2:]] == [None, None]
    assert [instruction_of(result, heard, None) for result in RESULTS[2:]] == [
        RecordPerformance(DIGEST),
        RecordNonPerformance(Remedy.SUIT),
    ]
