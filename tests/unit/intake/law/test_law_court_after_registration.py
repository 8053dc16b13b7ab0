"""Court from 2025: registered first, then entrusted; the court's own day of receipt decides the regime."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import (
    Agree,
    ApplyForConfirmation,
    Channel,
    Fail,
    FailureReason,
    MadeBy,
    OutcomeForm,
    ReturnToSource,
    Suspend,
    SuspendReason,
)
from services.intake.law.facts import Consent, Facts
from services.intake.law.handoff import Withdrawal
from services.intake.law.timers import Step
from tests.support.intake import suit
from tests.support.law import ChangedRule, Ring, Row, Said, agreed, answer, changed_rules, mediating, on, signed
from tests.support.lifecycle import DIGEST


def received(day: str, sent: str, procedure: str = "ordinary") -> Facts:
    return suit(received_on=date.fromisoformat(day), sent_on=date.fromisoformat(sent), procedure=procedure)


SUIT = received("2025-03-03", "2025-03-03")


ROWS = (
    Row(
        name="the last day of the old regime",
        facts=received("2024-12-31", "2024-12-31"),
        says=Said("accepted", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="the first day of the new regime",
        facts=received("2025-01-01", "2025-01-02"),
        says=Said("accepted", clause="立案与调解意见(2024) 1; 民诉法(2023) 125; 001-19"),
    ),
    Row(
        name="received before and sent after the change: old regime, transitional",
        facts=received("2024-12-31", "2025-01-02"),
        says=Said("accepted, transitional", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="old regime, signed in the new year: thirty days still, over Spring Festival",
        facts=received("2024-12-31", "2025-01-02"),
        steps=signed("2025-01-03"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2025, 2, 5)),
    ),
    Row(
        name="ordinary procedure: fifteen days",
        facts=SUIT,
        steps=signed("2025-03-03"),
        says=Said("signed", clause="特邀调解规定 27(2); 立案与调解意见(2024)", due=date(2025, 3, 18)),
    ),
    Row(
        name="summary procedure: seven days",
        facts=received("2025-03-03", "2025-03-03", "summary"),
        steps=signed("2025-03-03"),
        says=Said("signed", clause="特邀调解规定 27(2); 立案与调解意见(2024)", due=date(2025, 3, 10)),
    ),
    Row(
        name="small claims: seven days, over Spring Festival",
        facts=received("2025-01-20", "2025-01-20", "small_claims"),
        steps=signed("2025-01-21"),
        says=Said("signed", clause="特邀调解规定 27(2); 立案与调解意见(2024)", due=date(2025, 2, 5)),
    ),
    Row(
        name="small claims: seven days",
        facts=received("2025-03-03", "2025-03-03", "small_claims"),
        steps=signed("2025-03-03"),
        says=Said("signed", clause="特邀调解规定 27(2); 立案与调解意见(2024)", due=date(2025, 3, 10)),
    ),
    Row(
        name="no consent of a side",
        facts=suit(
            received_on=date(2025, 3, 3),
            sent_on=date(2025, 3, 3),
            consents=(Consent("plaintiff", "refused"), Consent("defendant", "given")),
        ),
        says=Said("mediation_refused", "consent_refused", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="the suit is filed: no appraisal stops the clock",
        facts=SUIT,
        steps=(*mediating("2025-03-03"), on("2025-03-04", Suspend(SuspendReason.APPRAISAL_BEFORE_FILING))),
        says=Said("refused", "already_filed", "在线调解规则 26"),
    ),
    Row(
        name="an agreement, and the suit is withdrawn: a success",
        facts=SUIT,
        steps=(*mediating("2025-03-03"), on("2025-03-09", Withdrawal("withdrawn_after_settlement"))),
        says=Said("agreed"),
    ),
    Row(
        name="a mediation statement is the court's",
        facts=SUIT,
        steps=(
            *mediating("2025-03-03"),
            on("2025-03-09", Agree(OutcomeForm.MEDIATION_STATEMENT, signed_by_all=True, made_by=MadeBy.COURT)),
        ),
        says=Said("agreed"),
    ),
    Row(
        name="a mediation statement of a committee",
        facts=SUIT,
        steps=(
            *mediating("2025-03-03"),
            on(
                "2025-03-09",
                Agree(OutcomeForm.MEDIATION_STATEMENT, signed_by_all=True, made_by=MadeBy.PEOPLE_COMMITTEE),
            ),
        ),
        says=Said("refused", "statement_needs_court"),
    ),
    Row(
        name="no judicial confirmation after registration",
        facts=SUIT,
        steps=(
            *mediating("2025-03-03"),
            on("2025-03-10", agreed()),
            on("2025-03-11", ApplyForConfirmation(jointly=True)),
        ),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    Row(
        name="the term expires: to trial",
        facts=SUIT,
        steps=(*mediating("2025-03-03"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2025, 3, 18)),
    ),
    Row(
        name="failed: back to the court, to trial",
        facts=SUIT,
        steps=(
            *mediating("2025-03-03"),
            on("2025-03-10", Fail(FailureReason.REFUSED)),
            on("2025-03-10", ReturnToSource(Channel.COURT, DIGEST)),
        ),
        says=Said("returned, court", "refused"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_court_after_registration(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("court_after_registration"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_court_after_registration_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
