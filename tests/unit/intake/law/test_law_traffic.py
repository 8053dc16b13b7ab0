"""Traffic damage: ten days when the traffic police mediate, and three to ask them after another failed."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Fail, FailureReason, MediationKind
from tests.support.intake import incident
from tests.support.law import ChangedRule, Row, Said, StepOfRow, answer, begun, changed_rules, mediating, on, signed

POLICE, PEOPLE = MediationKind.ADMINISTRATIVE, MediationKind.PEOPLE
ACCIDENT = incident(received_on=date(2024, 6, 3), sent_on=date(2024, 6, 3), category="05", case_cause="traffic")
DEADLOCK = Fail(FailureReason.DEADLOCK)


def failed(day: str) -> tuple[StepOfRow, ...]:
    return (*mediating("2024-06-03"), on(day, DEADLOCK))


ROWS = (
    Row(
        name="the traffic police mediate: ten days",
        facts=ACCIDENT,
        steps=signed("2024-06-03", POLICE),
        says=Said("signed", clause="道路交通事故处理程序规定(2018) 90", due=date(2024, 6, 13)),
    ),
    Row(
        name="a people's committee mediates: thirty days",
        facts=ACCIDENT,
        steps=signed("2024-06-03", PEOPLE),
        says=Said("signed", clause="人民调解工作若干规定; 深圳条例 45 式地方规则", due=date(2024, 7, 3)),
    ),
    Row(
        name="who mediates is known only when it begins: ten days from the signature",
        facts=ACCIDENT,
        steps=(*signed("2024-06-03"), on("2024-06-05", begun(POLICE))),
        says=Said("mediation_begun", clause="道路交通事故处理程序规定(2018) 90", due=date(2024, 6, 13)),
    ),
    Row(
        name="a committee takes over from the traffic police: thirty days from the signature",
        facts=ACCIDENT,
        steps=(*signed("2024-06-03", POLICE), on("2024-06-05", begun(PEOPLE))),
        says=Said("mediation_begun", clause="人民调解工作若干规定; 深圳条例 45 式地方规则", due=date(2024, 7, 3)),
    ),
    Row(
        name="the traffic police begin after their ten days: the day itself is the last",
        facts=ACCIDENT,
        steps=(*signed("2024-06-03"), on("2024-06-14", begun(POLICE))),
        says=Said("mediation_begun", clause="道路交通事故处理程序规定(2018) 90", due=date(2024, 6, 14)),
    ),
    Row(
        name="a committee failed: the traffic police within three days, and then for ten",
        facts=ACCIDENT,
        steps=(*failed("2024-06-11"), on("2024-06-14", begun(POLICE))),
        says=Said(
            "mediation_begun",
            clause="道路交通事故处理程序规定(2018) 86; 道路交通事故处理程序规定(2018) 90",
            due=date(2024, 6, 24),
        ),
    ),
    Row(
        name="a committee failed: the fourth day is too late",
        facts=ACCIDENT,
        steps=(*failed("2024-06-11"), on("2024-06-15", begun(POLICE))),
        says=Said("refused", "second_attempt_late"),
    ),
    Row(
        name="a third day on a Sunday: Monday is in time",
        facts=ACCIDENT,
        steps=(*failed("2024-06-13"), on("2024-06-17", begun(POLICE))),
        says=Said(
            "mediation_begun",
            clause="道路交通事故处理程序规定(2018) 86; 道路交通事故处理程序规定(2018) 90",
            due=date(2024, 6, 27),
        ),
    ),
    Row(
        name="a third day on a Sunday: Tuesday is not",
        facts=ACCIDENT,
        steps=(*failed("2024-06-13"), on("2024-06-18", begun(POLICE))),
        says=Said("refused", "second_attempt_late"),
    ),
    Row(
        name="the traffic police failed too: no third attempt",
        facts=ACCIDENT,
        steps=(
            *failed("2024-06-11"),
            on("2024-06-12", begun(POLICE)),
            on("2024-06-13", DEADLOCK),
            on("2024-06-14", begun(POLICE)),
        ),
        says=Said("refused", "no_second_attempt"),
    ),
    Row(
        name="no traffic accident: the police have thirty days",
        facts=incident(received_on=date(2024, 6, 3), sent_on=date(2024, 6, 3)),
        steps=signed("2024-06-03", POLICE),
        says=Said("signed", clause="公安行政案件程序规定 165", due=date(2024, 7, 3)),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_traffic(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("traffic"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_traffic_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
