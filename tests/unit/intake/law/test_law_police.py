"""Police matters: what may be mediated, for how long, and how it ends."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import (
    ApplyForConfirmation,
    Fail,
    FailureReason,
    MediationKind,
    RecordNonPerformance,
    Remedy,
    State,
)
from services.intake.law.facts import Facts
from services.intake.law.handoff import LaterFact, Ruling
from tests.support.intake import incident
from tests.support.law import (
    ChangedRule,
    LegalCase,
    Row,
    Said,
    agreed,
    answer,
    changed_rules,
    mediating,
    on,
    signed,
    with_circumstance,
)


def excluded(name: str, facts: Facts, reason: str, clause: str) -> Row:
    """Return a row: the screening refuses the case."""
    return Row(name=name, facts=facts, says=Said("mediation_refused", reason, clause))


AGREED = (*mediating("2024-03-06"), on("2024-03-20", agreed()))
INNOCENT = with_circumstance(incident(), "not_a_violation")


ROWS = (
    Row(
        name="a dispute, clear and consented to",
        facts=incident(),
        says=Said("accepted", clause="公安行政案件程序规定 178; 001-19"),
    ),
    Row(
        name="not a violation at all: people's mediation may take it",
        facts=INNOCENT,
        says=Said("accepted", clause="公安行政案件程序规定 178; 001-19"),
    ),
    excluded(
        "hired_attack", with_circumstance(incident(), "hired_attack"), "hired_attack", "公安行政案件程序规定 179(1)"
    ),
    *(
        excluded(each, with_circumstance(incident(), each), "gang_fight", "公安行政案件程序规定 179(2)")
        for each in ("gang_fight", "provocation")
    ),
    excluded(
        "repeat_offence",
        with_circumstance(incident(), "repeat_offence"),
        "repeat_offence",
        "公安行政案件程序规定 179(3)",
    ),
    excluded(
        "party_refuses",
        with_circumstance(incident(), "party_refuses"),
        "consent_refused",
        "公安行政案件程序规定 179(4)",
    ),
    excluded("new_offence", with_circumstance(incident(), "new_offence"), "new_offence", "公安行政案件程序规定 179(5)"),
    excluded("fled", with_circumstance(incident(), "fled"), "suspect_fled", "公安行政案件程序规定 179(6)"),
    excluded(
        "repeated violence at home, as recorded",
        with_circumstance(incident(), "repeated_domestic_violence"),
        "repeated_domestic_violence",
        "反家庭暴力法 15, 16",
    ),
    excluded(
        "a third report of violence at home",
        with_circumstance(incident(earlier_reports=2), "domestic_violence"),
        "repeated_domestic_violence",
        "反家庭暴力法 15, 16",
    ),
    Row(
        name="a second report of violence at home",
        facts=with_circumstance(incident(earlier_reports=1), "domestic_violence"),
        says=Said("accepted", clause="公安行政案件程序规定 178; 001-19"),
    ),
    Row(
        name="a third call that is about no violence",
        facts=incident(earlier_reports=2),
        says=Said("accepted", clause="公安行政案件程序规定 178; 001-19"),
    ),
    *(
        excluded(each, with_circumstance(incident(), each), "criminal_matter", "治安管理处罚法 9")
        for each in ("criminal", "serious_injury", "weapon")
    ),
    *(
        excluded(
            f"found to be: {each}",
            incident(case_cause=each),
            "not_a_dispute",
            "治安管理处罚法 9; 公安行政案件程序规定 178",
        )
        for each in ("criminal", "help", "report", "complaint", "inquiry", "gathering", "mass_incident")
    ),
    *(
        Row(
            name=f"{each} calls are not docked",
            facts=incident(case_cause=each),
            says=Said("not_docked", "noise_call", "国办发〔2022〕12号"),
        )
        for each in ("harassment", "invalid")
    ),
    Row(
        name="dispatched on a Tuesday: three working days",
        facts=incident(),
        steps=signed("2024-03-05")[:1],
        says=Said("dispatched", clause="公安行政案件程序规定 61 (transfer), local rule", due=date(2024, 3, 8)),
    ),
    Row(
        name="the police mediate: thirty days, over Qingming",
        facts=incident(),
        steps=signed("2024-03-06", MediationKind.ADMINISTRATIVE),
        says=Said("signed", clause="公安行政案件程序规定 165", due=date(2024, 4, 7)),
    ),
    Row(
        name="a people's committee mediates: thirty days",
        facts=incident(),
        steps=signed("2024-03-06", MediationKind.PEOPLE),
        says=Said("signed", clause="人民调解工作若干规定; 深圳条例 45 式地方规则", due=date(2024, 4, 7)),
    ),
    Row(
        name="the police mediate: until a day that is worked",
        facts=incident(),
        steps=signed("2024-03-11", MediationKind.ADMINISTRATIVE),
        says=Said("signed", clause="公安行政案件程序规定 165", due=date(2024, 4, 10)),
    ),
    Row(
        name="a people's committee mediates: until a day that is worked",
        facts=incident(),
        steps=signed("2024-03-11", MediationKind.PEOPLE),
        says=Said("signed", clause="人民调解工作若干规定; 深圳条例 45 式地方规则", due=date(2024, 4, 10)),
    ),
    Row(
        name="dispatched on a Thursday: the weekend does not count",
        facts=incident(),
        steps=signed("2024-03-07")[:1],
        says=Said("dispatched", clause="公安行政案件程序规定 61 (transfer), local rule", due=date(2024, 3, 12)),
    ),
    Row(
        name="a side refuses in mediation",
        facts=incident(),
        steps=(*mediating("2024-03-06"), on("2024-03-07", LaterFact("consent_refused"))),
        says=Said("failed", "refused"),
    ),
    Row(
        name="violence again",
        facts=incident(),
        steps=(*mediating("2024-03-06"), on("2024-03-07", Fail(FailureReason.RENEWED_VIOLENCE))),
        says=Said("failed", "renewed_violence"),
    ),
    Row(
        name="found to be a crime in mediation",
        facts=incident(),
        steps=(*mediating("2024-03-06"), on("2024-03-07", LaterFact("reclassified", case_cause="criminal"))),
        says=Said("failed", "not_a_dispute", "治安管理处罚法 9; 公安行政案件程序规定 178"),
    ),
    Row(
        name="not performed: the penalty procedure goes on",
        facts=incident(),
        steps=(*AGREED, on("2024-04-20", LaterFact("not_performed"))),
        says=Said("not_performed, penalty_procedure"),
    ),
    Row(
        name="confirmed by a court and not performed: enforcement",
        facts=incident(),
        steps=(
            *AGREED,
            on("2024-03-21", ApplyForConfirmation(jointly=True)),
            on("2024-04-10", Ruling(confirmed=True)),
            on("2024-04-20", LaterFact("not_performed")),
        ),
        says=Said("not_performed, enforcement"),
    ),
    Row(
        name="no violation and not performed: a suit",
        facts=INNOCENT,
        steps=(*AGREED, on("2024-04-20", LaterFact("not_performed"))),
        says=Said("not_performed, suit"),
    ),
    Row(
        name="no violation never ends in the penalty procedure",
        facts=INNOCENT,
        steps=(*AGREED, on("2024-04-20", RecordNonPerformance(Remedy.PENALTY_PROCEDURE))),
        says=Said("refused", "barred_by_rule", "公安行政案件程序规定 178(2)"),
    ),
    Row(
        name="no violation: nothing is said of a penalty",
        facts=INNOCENT,
        steps=(*AGREED, on("2024-04-20", LaterFact("performed"))),
        says=Said("performed"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_police(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("cause", ["harassment", "invalid"])
def test_a_noise_call_is_counted_nowhere_and_goes_no_further(cause: str) -> None:
    case = LegalCase(incident(case_cause=cause))
    assert case.known.state is State.RETURNED
    assert tuple(case.known.counted) == ()
    assert case.timers == {}


def test_what_is_found_to_be_a_crime_in_mediation_stops_and_returns_to_the_police() -> None:
    case = LegalCase(incident())
    for step in (*mediating("2024-03-06"), on("2024-03-07", LaterFact("reclassified", case_cause="criminal"))):
        case.step(step)
    assert [event.type.value for event in case.events[-3:]] == ["reclassified", "failed", "returned"]
    assert case.known.state is State.RETURNED
    assert case.known.dimensions.case_cause == "criminal"
    assert case.timers == {}


@pytest.mark.parametrize("changed", changed_rules("police"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_police_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
