"""Preservation before the suit: the suit is due in thirty days, so no mediation lasts longer (民诉法 104)."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Extend, Resume, Suspend, SuspendReason, end_of
from services.intake.law.timers import Step
from tests.support.intake import suit
from tests.support.law import LegalCase, Ring, Row, Said, answer, mediating, on, signed

PRESERVED = suit(preserved_on=date(2024, 3, 1))

ROWS = (
    Row(
        name="the term is cut short on the thirtieth day, a Sunday that nothing moves",
        facts=PRESERVED,
        steps=signed("2024-03-08"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24; 民诉法(2023) 104", due=date(2024, 3, 31)),
    ),
    Row(
        name="without a preservation it has thirty days",
        facts=suit(),
        steps=signed("2024-03-08"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2024, 4, 7)),
    ),
    Row(
        name="a term that ends before is not cut",
        facts=suit(
            preserved_on=date(2024, 5, 6),
            received_on=date(2024, 5, 6),
            sent_on=date(2024, 5, 8),
            filed_on=date(2024, 5, 8),
        ),
        steps=signed("2024-05-13"),
        says=Said("signed", clause="特邀调解规定 27(2)", due=date(2024, 5, 28)),
    ),
    Row(
        name="warned on the twentieth day",
        facts=PRESERVED,
        steps=(*mediating("2024-03-08"), Ring("preserved", Step.REMINDER)),
        says=Said("supervised, reminded", clause="民诉法(2023) 104", due=date(2024, 3, 21)),
    ),
    Row(
        name="the suit is due on the thirtieth day",
        facts=PRESERVED,
        steps=(*signed("2024-03-08"), Ring("preserved", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="民诉法(2023) 104", due=date(2024, 3, 31)),
    ),
    Row(
        name="the mediation ends on the thirtieth day",
        facts=PRESERVED,
        steps=(*mediating("2024-03-08"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 3, 31)),
    ),
    Row(
        name="no consent extends it beyond",
        facts=PRESERVED,
        steps=(*mediating("2024-03-08"), on("2024-03-20", Extend(consent_of_all=True, days=60))),
        says=Said("refused", "no_days_left", "特邀调解规定 27; 民诉法(2023) 104"),
    ),
    Row(
        name="no stopped clock moves it beyond",
        facts=PRESERVED,
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-12", Suspend(SuspendReason.APPRAISAL_BEFORE_FILING)),
            on("2024-03-22", Resume()),
        ),
        says=Said("resumed", clause="民诉法(2023) 104", due=date(2024, 3, 31)),
    ),
    Row(
        name="signed after the thirtieth day: the day itself is the last",
        facts=PRESERVED,
        steps=signed("2024-04-02"),
        says=Said("signed", clause="特邀调解规定 27(1); 在线调解规则 24; 民诉法(2023) 104", due=date(2024, 4, 2)),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_preservation(row: Row) -> None:
    assert answer(row) == row.says


def test_a_preservation_has_a_timer_of_its_own_from_the_registration_on() -> None:
    timer = LegalCase(PRESERVED).timers["preserved"]
    assert (timer.step, timer.due_at) == (Step.REMINDER, end_of(date(2024, 3, 20)))
    assert "preserved" not in LegalCase(suit()).timers
