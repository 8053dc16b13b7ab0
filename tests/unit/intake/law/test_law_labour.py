"""Labour disputes: fifteen days of mediation, then arbitration is open."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Fail, FailureReason, Refer, ReferTarget
from services.intake.law.timers import Step
from tests.support.intake import incident, petition, suit
from tests.support.law import ChangedRule, Ring, Row, Said, answer, at_window, changed_rules, mediating, on, signed

ROWS = (
    *(
        Row(
            name=f"fifteen days from {facts.channel}",
            facts=facts,
            steps=signed("2024-03-11"),
            says=Said("signed", clause="劳动争议调解仲裁法 14", due=date(2024, 3, 26)),
        )
        for facts in (petition(category="07"), incident(category="0703"), at_window(category="07"))
    ),
    Row(
        name="the fifteenth day is a Saturday: Monday",
        facts=at_window(category="07"),
        steps=signed("2024-03-08"),
        says=Said("signed", clause="劳动争议调解仲裁法 14", due=date(2024, 3, 25)),
    ),
    Row(
        name="a suit before filing keeps the court's term",
        facts=suit(category="07"),
        steps=signed("2024-03-11"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2024, 4, 10)),
    ),
    Row(
        name="another category",
        facts=at_window(category="06"),
        steps=signed("2024-03-11"),
        says=Said("signed", clause="人民调解工作若干规定; 深圳条例 45 式地方规则", due=date(2024, 4, 10)),
    ),
    Row(
        name="after fifteen days it has failed",
        facts=at_window(category="07"),
        steps=(*mediating("2024-03-11"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 3, 26)),
    ),
    Row(
        name="and arbitration is open",
        facts=at_window(category="07"),
        steps=(
            *mediating("2024-03-11"),
            on("2024-03-20", Fail(FailureReason.DEADLOCK)),
            on("2024-03-21", Refer(ReferTarget.ARBITRATION, told_in_writing=True)),
        ),
        says=Said("referred, arbitration", "deadlock"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_labour(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("labour"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_labour_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
