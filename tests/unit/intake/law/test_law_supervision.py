"""Nothing waits for ever: each state has a limit, and what is late is supervised by rising levels."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import BeginFollowUp, Track, TrackReason, Withdraw, WithdrawReason
from services.intake.law.handoff import LaterFact
from services.intake.law.timers import Step
from tests.support.intake import petition, suit
from tests.support.law import (
    ChangedRule,
    Ring,
    Row,
    Said,
    agreed,
    answer,
    changed_rules,
    mediating,
    on,
    signed,
)

AGREED = (*mediating("2024-03-08"), on("2024-03-20", agreed()))
FOLLOWED = (*AGREED, on("2024-03-21", BeginFollowUp(date(2024, 3, 28))))


ROWS = (
    Row(
        name="accepted and not dispatched",
        facts=suit(sent_on=date(2024, 3, 7)),
        steps=(Ring("state", Step.OVERDUE),),
        says=Said("supervised, overdue", clause="深圳条例 45 式地方规则", due=date(2024, 3, 12)),
    ),
    Row(
        name="three days later it is supervised",
        facts=suit(sent_on=date(2024, 3, 7)),
        steps=(Ring("state", Step.SUPERVISED),),
        says=Said("supervised, supervised", clause="深圳条例 45 式地方规则", due=date(2024, 3, 15)),
    ),
    Row(
        name="seven days later a leader takes it",
        facts=suit(sent_on=date(2024, 3, 7)),
        steps=(Ring("state", Step.ESCALATED),),
        says=Said("supervised, escalated", clause="深圳条例 45 式地方规则", due=date(2024, 3, 19)),
    ),
    Row(
        name="signed and no mediation",
        facts=suit(),
        steps=(*signed("2024-03-08"), Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="在线调解规则 12, 15; local rule", due=date(2024, 3, 15)),
    ),
    Row(
        name="withdrawn and not back at its source",
        facts=suit(),
        steps=(
            *signed("2024-03-06"),
            on("2024-03-07", Withdraw(WithdrawReason.APPLICANT_WITHDREW)),
            Ring("state", Step.OVERDUE),
        ),
        says=Said("supervised, overdue", clause="local rule", due=date(2024, 3, 12)),
    ),
    Row(
        name="a follow-up that does not end",
        facts=suit(),
        steps=(*AGREED, on("2024-03-26", BeginFollowUp(date(2024, 3, 28))), Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="人民调解法 31; local rule", due=date(2024, 4, 10)),
    ),
    Row(
        name="tracked and not looked at",
        facts=suit(),
        steps=(*FOLLOWED, on("2024-03-25", Track(TrackReason.RESENTFUL)), Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="local rule", due=date(2024, 4, 24)),
    ),
    Row(
        name="performed: a follow-up thirty days later",
        facts=suit(),
        steps=(*AGREED, on("2024-03-25", LaterFact("performed")), Ring("follow_up", Step.OVERDUE)),
        says=Said("follow_up_begun", due=date(2024, 4, 24)),
    ),
    Row(
        name="reminded at four fifths of a limit",
        facts=petition(received_on=date(2024, 5, 6), sent_on=date(2024, 5, 6), category="09"),
        steps=(Ring("statutory_due_on", Step.REMINDER),),
        says=Said("supervised, reminded", clause="信访工作条例 34", due=date(2024, 6, 23)),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_supervision(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("supervision"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_supervision_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
