"""Further mediation after a failed one: police matters once, within seven working days; nobody else."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Fail, FailureReason
from services.intake.law.timers import Step
from tests.support.intake import incident, petition, suit
from tests.support.law import (
    ChangedRule,
    LegalCase,
    Ring,
    Row,
    Said,
    answer,
    at_window,
    begun,
    changed_rules,
    mediating,
    on,
)

DEADLOCK = Fail(FailureReason.DEADLOCK)
FAILED = (*mediating("2024-03-06"), on("2024-03-11", DEADLOCK))
AGAIN = (*FAILED, on("2024-03-13", begun()))


ROWS = (
    Row(
        name="within seven working days, which are the term too",
        facts=incident(),
        steps=AGAIN,
        says=Said("mediation_begun", clause="公安行政案件程序规定 183", due=date(2024, 3, 20)),
    ),
    Row(
        name="on the seventh working day",
        facts=incident(),
        steps=(*FAILED, on("2024-03-20", begun())),
        says=Said("mediation_begun", clause="公安行政案件程序规定 183", due=date(2024, 3, 20)),
    ),
    Row(
        name="on the eighth",
        facts=incident(),
        steps=(*FAILED, on("2024-03-21", begun())),
        says=Said("refused", "second_attempt_late"),
    ),
    Row(
        name="and no third time",
        facts=incident(),
        steps=(*AGAIN, on("2024-03-14", DEADLOCK), on("2024-03-15", begun())),
        says=Said("refused", "no_second_attempt"),
    ),
    Row(
        name="the second attempt expires",
        facts=incident(),
        steps=(*AGAIN, Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 3, 20)),
    ),
    *(
        Row(
            name=f"none for {facts.channel}",
            facts=facts,
            steps=AGAIN,
            says=Said("refused", "no_second_attempt"),
        )
        for facts in (suit(), petition(), at_window())
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_second_attempts(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("second_attempts"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_second_attempts_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)


def test_a_second_attempt_takes_the_failure_back_and_the_next_failure_counts() -> None:
    case = LegalCase(incident())
    for step in AGAIN:
        case.step(step)
    assert [fact.type for fact in case.known.counted if fact.type == "failed"] == []
    assert case.known.cohort.concluded_on is None
    case.step(on("2024-03-14", DEADLOCK))
    assert [fact.business_day for fact in case.known.counted if fact.type == "failed"] == [date(2024, 3, 14)]
