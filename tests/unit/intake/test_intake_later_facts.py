"""Later news: what it means in each state (trap 6; domain section 11 on settlements)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    Accept,
    Agree,
    Channel,
    CohortDates,
    DateName,
    Dimensions,
    Dispute,
    EventKind,
    Exclude,
    Fail,
    Instruction,
    NoteUndocked,
    OutcomeForm,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RefuseMediation,
    Regime,
    Remedy,
    RequestInformation,
    ReturnToSource,
    State,
    Withdraw,
)
from dispute.lifecycle.dispute import Checkpoint, Standing
from hub.errors import Refusal
from services.intake.law.facts import Consent, Facts
from services.intake.law.handoff import LaterFact, Ruling, Withdrawal
from services.intake.law.later_facts import IN_HAND, Reaction, Situation, react
from tests.support.intake import BOOK, RULES, incident, suit

AT = datetime(2024, 3, 12, 2, tzinfo=UTC)
EVIDENCE = bytes(32)
GIVEN = Consent("defendant", "given")
WAITING = suit(consents=(Consent("plaintiff", "given"), Consent("defendant", "not_asked")))
SUIT = Dispute(
    dispute_id="d",
    state=State.MEDIATING,
    sequence=7,
    dimensions=Dimensions(Channel.COURT, "court-620725", category="06", regime=Regime.A),
    cohort=CohortDates(accepted_on=date(2024, 3, 5)),
    registered_at=datetime(2024, 3, 5, tzinfo=UTC),
)
OVER = frozenset(State) - IN_HAND - {State.REGISTERED, State.SCREENING, State.DUPLICATE}


def reaction(
    body: LaterFact | Withdrawal | Ruling,
    state: State,
    facts: Facts | None = None,
    **changes: Any,  # noqa: ANN401 - any field of Dispute
) -> Reaction:
    known = Situation(replace(SUIT, state=state, **changes), facts, AT, EVIDENCE)
    found = react(known, body, BOOK)
    assert isinstance(found, Reaction)
    return found


def news(
    body: LaterFact | Withdrawal | Ruling,
    state: State,
    facts: Facts | None = None,
    **changes: Any,  # noqa: ANN401 - any field of Dispute
) -> tuple[Instruction, ...]:
    return reaction(body, state, facts, **changes).orders


def refusal_of(body: LaterFact | Withdrawal | Ruling, state: State, **changes: Any) -> Refusal:  # noqa: ANN401 - any field of Dispute
    refusal = react(Situation(replace(SUIT, state=state, **changes), None, AT, EVIDENCE), body, BOOK)
    assert isinstance(refusal, Refusal)
    return refusal


@pytest.mark.parametrize("state", sorted(IN_HAND))
def test_a_refusal_ends_what_is_in_hand(state: State) -> None:
    (order,) = news(LaterFact("consent_refused"), state)
    assert isinstance(order, Fail)


@pytest.mark.parametrize("state", sorted(OVER))
def test_a_refusal_changes_nothing_that_is_over(state: State) -> None:
    assert news(LaterFact("consent_refused"), state) == ()


@pytest.mark.parametrize("facts", [WAITING, None], ids=["facts known", "of an earlier release"])
def test_a_refusal_during_screening_sends_the_case_back(facts: Facts | None) -> None:
    first, second = news(LaterFact("consent_refused", Consent("defendant", "refused")), State.SCREENING, facts)
    assert isinstance(first, RefuseMediation)
    assert (first.reason_code, first.clause) == ("consent_refused", RULES.consent_clause)
    assert second == ReturnToSource(Channel.COURT)


def test_consent_that_was_missing_is_the_acceptance() -> None:
    told = reaction(LaterFact("consent_given", GIVEN), State.SCREENING, WAITING, missing=("consent_missing",))
    (order,) = told.orders
    assert isinstance(order, Accept)
    assert (order.clause, order.rule_version) == ("特邀调解规定 11; 001-19", BOOK.version)
    assert told.facts is not None
    assert GIVEN in told.facts.consents


def test_a_fact_that_leaves_the_same_gap_asks_nobody_again() -> None:
    facts = replace(WAITING, relation_clarity="")
    missing = ("consent_missing", "relation_unclear")
    assert news(LaterFact("consent_given", GIVEN), State.SCREENING, facts, missing=missing) == (
        RequestInformation(("relation_unclear",)),
    )
    assert news(LaterFact("clarified", facts_clarity="clear"), State.SCREENING, facts, missing=missing) == ()


@pytest.mark.parametrize(
    ("told", "lacking"),
    [
        (LaterFact("clarified", relation_clarity="clear"), ()),
        (LaterFact("clarified", relation_clarity="unclear"), ("relation_unclear",)),
        (LaterFact("clarified", facts_clarity="clear"), ("relation_unclear",)),
    ],
)
def test_what_is_clear_enough_is_accepted(told: LaterFact, lacking: tuple[str, ...]) -> None:
    orders = news(told, State.SCREENING, suit(relation_clarity=""), missing=("relation_unclear",))
    assert bool(orders) is not bool(lacking)
    assert all(isinstance(order, Accept) for order in orders)


def test_a_call_that_turns_out_to_be_noise_in_screening_is_not_docked() -> None:
    dimensions = replace(SUIT.dimensions, channel=Channel.POLICE, case_cause="dispute", category="02")
    facts = incident(consents=())
    correction, order = news(
        LaterFact("reclassified", case_cause="harassment"), State.SCREENING, facts, dimensions=dimensions
    )
    assert isinstance(correction, Reclassify)
    assert isinstance(order, NoteUndocked)
    assert order.reason_code == "noise_call"


def test_a_crime_that_comes_to_light_stops_the_mediation_and_goes_back() -> None:
    dimensions = replace(SUIT.dimensions, channel=Channel.POLICE, case_cause="dispute", category="02")
    told = reaction(
        LaterFact("reclassified", case_cause="criminal"), State.MEDIATING, incident(), dimensions=dimensions
    )
    correction, stop, back = told.orders
    assert isinstance(correction, Reclassify)
    assert stop == Exclude("not_a_dispute", "治安管理处罚法 9; 公安行政案件程序规定 178")
    assert back == ReturnToSource(Channel.POLICE)
    assert told.facts is not None
    assert told.facts.case_cause == "criminal"


def test_a_court_gets_an_excluded_suit_back_from_a_person_with_its_packet() -> None:
    bars = replace(RULES, exclusions=(replace(RULES.exclusions[-1], channels=frozenset({"court"})), *RULES.exclusions))
    known = Situation(SUIT, suit(), AT)
    found = react(known, LaterFact("reclassified", category="14"), replace(BOOK, screening=bars))
    assert isinstance(found, Reaction)
    assert [type(order) for order in found.orders] == [Reclassify, Exclude]


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


@pytest.mark.parametrize(("days", "code"), [(-1, ""), (0, "refused_already")])
def test_consent_of_before_the_end_of_the_wait_counts_after_it(days: int, code: str) -> None:
    end = AT - timedelta(days=days)
    checkpoint = Checkpoint(
        4,
        DateName.SCREEN_BY,
        end,
        Standing(state=State.SCREENING, dimensions=SUIT.dimensions, cohort=CohortDates(), missing=("consent_missing",)),
    )
    gone = replace(
        SUIT,
        state=State.RETURNED,
        ordinals=((EventKind.MEDIATION_REFUSED, 1),),
        cohort=CohortDates(),
        checkpoints=(checkpoint,),
    )
    found = react(Situation(gone, WAITING, AT), LaterFact("consent_given", GIVEN), BOOK)
    if code:
        assert isinstance(found, Refusal)
        assert found.code == code
    else:
        assert isinstance(found, Reaction)
        assert [type(order) for order in found.orders] == [Accept]


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
