"""Court until 2024, entrusted in litigation: fifteen days or seven, and no clock stops."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Channel, Fail, FailureReason, Resume, ReturnToSource, Suspend, SuspendReason
from services.intake.law.facts import Facts
from tests.support.intake import suit
from tests.support.law import ChangedRule, Row, Said, agreed, answer, changed_rules, mediating, on, signed
from tests.support.lifecycle import DIGEST


def filed(procedure: str = "ordinary") -> Facts:
    day = date(2024, 5, 6)
    return suit(received_on=day, sent_on=date(2024, 5, 8), filed_on=date(2024, 4, 30), procedure=procedure)


ROWS = (
    Row(
        name="ordinary procedure: fifteen days",
        facts=filed(),
        steps=signed("2024-05-13"),
        says=Said("signed", clause="特邀调解规定 27(2)", due=date(2024, 5, 28)),
    ),
    Row(
        name="summary procedure: seven days",
        facts=filed("summary"),
        steps=signed("2024-05-13"),
        says=Said("signed", clause="特邀调解规定 27(2)", due=date(2024, 5, 20)),
    ),
    Row(
        name="small claims: seven days",
        facts=filed("small_claims"),
        steps=signed("2024-05-13"),
        says=Said("signed", clause="特邀调解规定 27(2)", due=date(2024, 5, 20)),
    ),
    Row(
        name="fifteen days end on a Saturday: Monday",
        facts=filed(),
        steps=signed("2024-05-17"),
        says=Said("signed", clause="特邀调解规定 27(2)", due=date(2024, 6, 3)),
    ),
    Row(
        name="an appraisal before filing cannot happen any more",
        facts=filed(),
        steps=(*mediating("2024-05-13"), on("2024-05-14", Suspend(SuspendReason.APPRAISAL_BEFORE_FILING))),
        says=Said("refused", "already_filed", "在线调解规则 26"),
    ),
    Row(
        name="an appraisal suspends the work and not the clock",
        facts=filed(),
        steps=(
            *mediating("2024-05-13"),
            on("2024-05-14", Suspend(SuspendReason.APPRAISAL)),
            on("2024-05-24", Resume()),
        ),
        says=Said("resumed", due=date(2024, 5, 28)),
    ),
    Row(
        name="an agreement in a filed suit is not open to confirmation",
        facts=filed(),
        steps=(*mediating("2024-05-13"), on("2024-05-20", agreed())),
        says=Said("agreed"),
    ),
    Row(
        name="failed: back to the court, which resumes the trial",
        facts=filed(),
        steps=(
            *mediating("2024-05-13"),
            on("2024-05-20", Fail(FailureReason.DEADLOCK)),
            on("2024-05-21", ReturnToSource(Channel.COURT, DIGEST)),
        ),
        says=Said("returned, court", "deadlock"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_court_in_litigation(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("court_in_litigation"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_court_in_litigation_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
