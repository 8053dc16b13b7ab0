"""Penalties of police matters: performance lifts them, by the law before 2026 and from 2026 on."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Agree, MadeBy, OutcomeForm, RecordPerformance
from services.intake.law.facts import Facts
from services.intake.law.handoff import LaterFact
from tests.support.intake import incident, suit
from tests.support.law import ChangedRule, Row, Said, StepOfRow, agreed, answer, changed_rules, mediating, on
from tests.support.lifecycle import DIGEST

BOTH = RecordPerformance(DIGEST, written_request=True, police_approved=True)
UNASKED = RecordPerformance(DIGEST, police_approved=True)
UNAPPROVED = RecordPerformance(DIGEST, written_request=True)


def brawl(day: str) -> Facts:
    received = date.fromisoformat(day)
    return incident(received_on=received, sent_on=received, case_cause="public_security")


def performed(by: MadeBy, what: RecordPerformance | LaterFact) -> tuple[StepOfRow, ...]:
    return (*mediating("2026-01-05"), on("2026-01-20", agreed(by=by, confirmable=False)), on("2026-02-05", what))


SETTLED = Agree(OutcomeForm.SELF_SETTLED)
COMMITTEE = MadeBy.PEOPLE_COMMITTEE
BEFORE, SINCE = brawl("2025-12-31"), brawl("2026-01-01")


ROWS = (
    Row(
        name="2025, mediated by the police",
        facts=BEFORE,
        steps=performed(MadeBy.POLICE, RecordPerformance(DIGEST)),
        says=Said("performed, lifted", clause="治安管理处罚法 9; 公安行政案件程序规定 185, 186"),
    ),
    Row(
        name="2025, a people's committee, asked for and approved: the old law knows no such way",
        facts=BEFORE,
        steps=performed(COMMITTEE, BOTH),
        says=Said("performed"),
    ),
    Row(
        name="2026, mediated by the police",
        facts=SINCE,
        steps=performed(MadeBy.POLICE, RecordPerformance(DIGEST)),
        says=Said("performed, lifted", clause="治安管理处罚法 9; 公安行政案件程序规定 185, 186"),
    ),
    Row(
        name="2026, a people's committee, asked for and approved",
        facts=SINCE,
        steps=performed(COMMITTEE, BOTH),
        says=Said("performed, lifted", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="2026, a people's committee, not asked for",
        facts=SINCE,
        steps=performed(COMMITTEE, UNASKED),
        says=Said("performed, open", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="2026, a people's committee, not approved",
        facts=SINCE,
        steps=performed(COMMITTEE, UNAPPROVED),
        says=Said("performed, open", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="2026, a people's committee, the agency reports the bare performance",
        facts=SINCE,
        steps=performed(COMMITTEE, LaterFact("performed")),
        says=Said("performed, open", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="2026, the parties settled by themselves",
        facts=SINCE,
        steps=(*mediating("2026-01-05"), on("2026-01-20", SETTLED), on("2026-02-05", BOTH)),
        says=Said("performed, lifted", clause="治安管理处罚法(2025修订) 9"),
    ),
    Row(
        name="a suit has no penalty",
        facts=suit(received_on=date(2026, 1, 4), sent_on=date(2026, 1, 4)),
        steps=performed(COMMITTEE, BOTH),
        says=Said("performed"),
    ),
    Row(
        name="2026, not performed: the penalty procedure",
        facts=SINCE,
        steps=performed(COMMITTEE, LaterFact("not_performed")),
        says=Said("not_performed, penalty_procedure"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_police_2026(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("police_2026"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_police_2026_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
