"""What nobody asked or judged yet is no refusal: the screening waits, and says for what and until when."""

from __future__ import annotations

from datetime import date

import pytest

from services.intake.law.facts import Consent
from services.intake.law.handoff import LaterFact
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
    changed_rules,
    on,
    with_circumstance,
)

UNASKED = (Consent("plaintiff", "given"), Consent("defendant", "not_asked"))
WAITING = suit(consents=UNASKED)
MINOR = with_circumstance(suit(), "minor_party")
GUARDIAN = LaterFact("consent_given", Consent("guardian", "given"))


ROWS = (
    Row(
        name="the court's: seven days",
        facts=WAITING,
        says=Said(
            "information_requested",
            "consent_missing",
            "人民调解法 3, 17; 特邀调解规定 11, 12; 民诉法(2023) 126; 在线调解规则 12, 15",
            date(2024, 3, 12),
        ),
    ),
    Row(
        name="the police's: three working days",
        facts=incident(consents=(), sent_on=date(2024, 3, 7)),
        says=Said(
            "information_requested",
            "consent_missing",
            "人民调解法 3, 17; 特邀调解规定 11, 12; 公安行政案件程序规定 178 (local rule)",
            date(2024, 3, 12),
        ),
    ),
    Row(
        name="a petition's: fifteen days",
        facts=petition(consents=()),
        says=Said(
            "information_requested",
            "consent_missing",
            "人民调解法 3, 17; 特邀调解规定 11, 12; 信访工作条例 22, 23",
            date(2024, 3, 21),
        ),
    ),
    Row(
        name="any other's: five working days",
        facts=at_window(consents=(), sent_on=date(2024, 3, 6)),
        says=Said(
            "information_requested",
            "consent_missing",
            "人民调解法 3, 17; 特邀调解规定 11, 12; 深圳条例 46 式地方规则",
            date(2024, 3, 13),
        ),
    ),
    Row(
        name="nobody judged the relation",
        facts=suit(relation_clarity=""),
        says=Said(
            "information_requested",
            "relation_unclear",
            "001-19 法律关系较明确、事实较清楚、各方同意; 民诉法(2023) 126; 在线调解规则 12, 15",
            date(2024, 3, 12),
        ),
    ),
    Row(
        name="the facts are not clear",
        facts=suit(facts_clarity="unclear"),
        says=Said(
            "information_requested",
            "facts_unclear",
            "001-19 法律关系较明确、事实较清楚、各方同意; 民诉法(2023) 126; 在线调解规则 12, 15",
            date(2024, 3, 12),
        ),
    ),
    *(
        Row(
            name=f"{each}: the guardian is asked",
            facts=with_circumstance(suit(), each),
            says=Said(
                "information_requested",
                "guardian_consent_missing",
                "人民调解法 3, 17; 特邀调解规定 11, 12; 民诉法(2023) 126; 在线调解规则 12, 15",
                date(2024, 3, 12),
            ),
        )
        for each in ("minor_party", "minor_victim")
    ),
    Row(
        name="the guardian consents",
        facts=MINOR,
        steps=(on("2024-03-08", GUARDIAN),),
        says=Said("accepted", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="the guardian refuses",
        facts=MINOR,
        steps=(on("2024-03-08", LaterFact("consent_refused", Consent("guardian", "refused"))),),
        says=Said("mediation_refused", "consent_refused", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="the other side consents",
        facts=WAITING,
        steps=(on("2024-03-12", LaterFact("consent_given", Consent("defendant", "given"))),),
        says=Said("accepted", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="the other side refuses",
        facts=WAITING,
        steps=(on("2024-03-12", LaterFact("consent_refused", Consent("defendant", "refused"))),),
        says=Said("mediation_refused", "consent_refused", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="the relation is judged",
        facts=suit(relation_clarity=""),
        steps=(on("2024-03-08", LaterFact("clarified", relation_clarity="fairly_clear")),),
        says=Said("accepted", clause="特邀调解规定 11; 001-19"),
    ),
    Row(
        name="the other side consents and the facts are open still: asked anew, no longer wait",
        facts=suit(consents=UNASKED, facts_clarity=""),
        steps=(on("2024-03-08", LaterFact("consent_given", Consent("defendant", "given"))),),
        says=Said(
            "information_requested",
            "facts_unclear",
            "001-19 法律关系较明确、事实较清楚、各方同意",
            date(2024, 3, 12),
        ),
    ),
    Row(
        name="found to be a matter that is excluded",
        facts=petition(consents=()),
        steps=(on("2024-03-08", LaterFact("reclassified", category="15")),),
        says=Said("mediation_refused", "discipline_matter", "信访工作条例 30"),
    ),
    Row(
        name="asked again before the wait ends",
        facts=WAITING,
        steps=(Ring("screen_by", Step.REMINDER),),
        says=Said(
            "information_requested",
            "consent_missing",
            "人民调解法 3, 17; 特邀调解规定 11, 12",
            date(2024, 3, 12),
        ),
    ),
    Row(
        name="nobody answered: sent back for want of consent",
        facts=WAITING,
        steps=(Ring("screen_by", Step.OVERDUE),),
        says=Said("mediation_refused", "consent_missing", "人民调解法 3, 17; 特邀调解规定 11, 12", date(2024, 3, 12)),
    ),
    Row(
        name="nobody answered: sent back for want of clarity",
        facts=suit(facts_clarity=""),
        steps=(Ring("screen_by", Step.OVERDUE),),
        says=Said(
            "mediation_refused",
            "facts_unclear",
            "001-19 法律关系较明确、事实较清楚、各方同意",
            date(2024, 3, 12),
        ),
    ),
    Row(
        name="a refusal outweighs what is missing",
        facts=suit(relation_clarity="", consents=(Consent("plaintiff", "given"), Consent("defendant", "refused"))),
        says=Said("mediation_refused", "consent_refused", "人民调解法 3, 17; 特邀调解规定 11, 12"),
    ),
    Row(
        name="an exclusion outweighs what is missing",
        facts=suit(consents=(), procedure="special"),
        says=Said("mediation_refused", "special_procedure", "民诉解释(2022) 143"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_screening_waits(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("screening_waits"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_screening_waits_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)


def test_everything_that_is_missing_is_asked_for_at_once() -> None:
    case = LegalCase(with_circumstance(suit(consents=(), relation_clarity="", facts_clarity=""), "minor_party"))
    assert case.known.missing == (
        "consent_missing",
        "guardian_consent_missing",
        "relation_unclear",
        "facts_unclear",
    )


def test_a_source_gets_its_case_back_at_the_end_of_the_wait_and_a_window_keeps_it() -> None:
    ends = Ring("screen_by", Step.OVERDUE)
    assert LegalCase(WAITING).step(ends).known.state == "returned"
    assert LegalCase(at_window(consents=())).step(ends).known.state == "not_mediable"
