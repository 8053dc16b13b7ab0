"""Later news: what it means in each state (trap 6; domain section 11 on settlements)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Agree,
    Channel,
    CohortDates,
    Dimensions,
    Dispute,
    EventKind,
    Fail,
    Instruction,
    OutcomeForm,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RefuseMediation,
    Regime,
    Remedy,
    ReturnToSource,
    State,
    Withdraw,
)
from hub.errors import Refusal
from services.intake.law.handoff import LaterFact, Ruling, Withdrawal
from services.intake.law.later_facts import IN_HAND, react
from tests.support.intake import BOOK

EVIDENCE = bytes(32)
SUIT = Dispute(
    dispute_id="d",
    state=State.MEDIATING,
    sequence=7,
    dimensions=Dimensions(Channel.COURT, "court-620725", category="06", regime=Regime.A),
    cohort=CohortDates(accepted_on=date(2024, 3, 5)),
    registered_at=datetime(2024, 3, 5, tzinfo=UTC),
)
OVER = frozenset(State) - IN_HAND - {State.REGISTERED, State.SCREENING, State.DUPLICATE}


def news(body: LaterFact | Withdrawal | Ruling, state: State, **changes: object) -> tuple[Instruction, ...]:
    orders = react(replace(SUIT, state=state, **changes), body, EVIDENCE, BOOK)
    assert not isinstance(orders, Refusal)
    return orders


def refusal_of(body: LaterFact | Withdrawal | Ruling, state: State, **changes: object) -> Refusal:
    refusal = react(replace(SUIT, state=state, **changes), body, EVIDENCE, BOOK)
    assert isinstance(refusal, Refusal)
    return refusal


@pytest.mark.parametrize("state", sorted(IN_HAND))
def test_a_refusal_ends_what_is_in_hand(state: State) -> None:
    (order,) = news(LaterFact("consent_refused"), state)
    assert isinstance(order, Fail)


@pytest.mark.parametrize("state", sorted(OVER))
def test_a_refusal_changes_nothing_that_is_over(state: State) -> None:
    assert news(LaterFact("consent_refused"), state) == ()


def test_a_refusal_during_screening_sends_the_case_back() -> None:
    first, second = news(LaterFact("consent_refused"), State.SCREENING)
    assert isinstance(first, RefuseMediation)
    assert isinstance(second, ReturnToSource)


@pytest.mark.parametrize(
    ("reason", "form"),
    [
        ("withdrawn_after_settlement", OutcomeForm.WITHDRAWN_AFTER_SETTLEMENT),
        ("self_settled", OutcomeForm.SELF_SETTLED),
    ],
)
def test_a_settlement_is_an_agreement(reason: str, form: OutcomeForm) -> None:
    assert news(Withdrawal(reason), State.MEDIATING) == (Agree(outcome_form=form),)
    assert isinstance(news(Withdrawal(reason), State.NOT_MEDIABLE)[0], Withdraw)


def test_a_withdrawal_after_the_end_changes_nothing() -> None:
    assert news(Withdrawal("withdrawn"), State.RETURNED) == ()
    assert isinstance(news(Withdrawal("withdrawn"), State.MEDIATING)[0], Withdraw)


@pytest.mark.parametrize("body", [Withdrawal("because"), LaterFact("rumour")])
def test_unknown_codes_are_refused(body: Withdrawal | LaterFact) -> None:
    assert refusal_of(body, State.MEDIATING).code.startswith("unknown_")


@pytest.mark.parametrize("body", [Withdrawal("withdrawn"), LaterFact("performed"), Ruling(confirmed=True)])
def test_news_of_a_linked_duplicate_needs_a_person(body: Withdrawal | LaterFact | Ruling) -> None:
    assert refusal_of(body, State.DUPLICATE).code == "linked_duplicate"


def test_consent_after_a_refusal_is_refused_and_else_changes_nothing() -> None:
    assert news(LaterFact("consent_given"), State.MEDIATING) == ()
    ordinals = ((EventKind.MEDIATION_REFUSED, 1),)
    late = refusal_of(LaterFact("consent_given"), State.RETURNED, ordinals=ordinals, cohort=CohortDates())
    assert late.code == "refused_already"


def test_performance_is_told_with_its_evidence_and_once() -> None:
    assert news(LaterFact("performed"), State.AGREED) == (RecordPerformance("00" * 32),)
    assert news(LaterFact("performed"), State.CLOSED, ordinals=((EventKind.PERFORMED, 1),)) == ()


@pytest.mark.parametrize(
    ("state", "channel", "form", "remedy"),
    [
        (State.AGREED, Channel.COURT, OutcomeForm.AGREEMENT, Remedy.SUIT),
        (State.JC_CONFIRMED, Channel.COURT, OutcomeForm.AGREEMENT, Remedy.ENFORCEMENT),
        (State.AGREED, Channel.COURT, OutcomeForm.MEDIATION_STATEMENT, Remedy.ENFORCEMENT),
        (State.AGREED, Channel.POLICE, OutcomeForm.AGREEMENT, Remedy.PENALTY_PROCEDURE),
    ],
)
def test_the_remedy_fits_the_agreement(state: State, channel: Channel, form: OutcomeForm, remedy: Remedy) -> None:
    dimensions = replace(SUIT.dimensions, channel=channel, outcome_form=form)
    assert news(LaterFact("not_performed"), state, dimensions=dimensions) == (RecordNonPerformance(remedy),)


def test_a_reclassification_only_when_something_changes() -> None:
    assert news(LaterFact("reclassified", category="06"), State.MEDIATING) == ()
    (order,) = news(LaterFact("reclassified", category="07"), State.MEDIATING)
    assert isinstance(order, Reclassify)
    assert order.reason_code


def test_a_ruling_is_recorded_and_other_news_noted() -> None:
    assert news(Ruling(confirmed=False, reason_code="content_unclear"), State.JC_PENDING) == (
        RecordRuling(confirmed=False, reason_code="content_unclear"),
    )
    assert news(LaterFact("other"), State.MEDIATING) == ()
