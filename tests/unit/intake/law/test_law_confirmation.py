"""Judicial confirmation: what a court confirms, until when, and what follows its ruling."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import Agree, ApplyForConfirmation, MadeBy, OutcomeForm, Role
from services.intake.law.facts import Facts
from services.intake.law.handoff import LaterFact, Ruling
from services.intake.law.timers import Step
from tests.support.intake import incident, suit
from tests.support.law import (
    ChangedRule,
    Ring,
    Row,
    Said,
    StepOfRow,
    agreed,
    answer,
    at_window,
    begun,
    changed_rules,
    mediating,
    on,
    with_circumstance,
)

APPLY = ApplyForConfirmation(jointly=True)
AGREED = (*mediating("2024-03-08"), on("2024-04-01", agreed()))
APPLIED = (*AGREED, on("2024-04-10", APPLY))
REFUSED = (*APPLIED, on("2024-05-20", Ruling(confirmed=False, reason_code="content_unclear")))


def barred(name: str, facts: Facts, clause: str, *subjects: str) -> Row:
    """Return a row: an agreement is called confirmable, and a rule bars it."""
    steps = (*mediating("2024-03-08"), on("2024-03-20", agreed(*subjects)))
    return Row(name=name, facts=facts, steps=steps, says=Said("refused", "confirmation_barred", clause))


def in_part(*subjects: str) -> tuple[StepOfRow, ...]:
    return (*mediating("2024-03-08"), on("2024-03-20", agreed(*subjects)))


ROWS = (
    Row(
        name="thirty days to apply, moved off the May holidays",
        facts=suit(),
        steps=AGREED,
        says=Said("agreed, confirmable", due=date(2024, 5, 6)),
    ),
    Row(
        name="applied together on the last day",
        facts=suit(),
        steps=(*AGREED, on("2024-05-06", APPLY)),
        says=Said("confirmation_applied"),
    ),
    Row(
        name="applied a day late",
        facts=suit(),
        steps=(*AGREED, on("2024-05-07", APPLY)),
        says=Said("refused", "confirmation_late", "民诉法 205"),
    ),
    Row(
        name="one side applies",
        facts=suit(),
        steps=(*AGREED, on("2024-04-10", ApplyForConfirmation(jointly=False))),
        says=Said("refused", "not_jointly", "民诉法 205"),
    ),
    Row(
        name="made by the police",
        facts=incident(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed(by=MadeBy.POLICE))),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    Row(
        name="made by a people's committee in a police matter",
        facts=incident(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed())),
        says=Said("agreed, confirmable", due=date(2024, 4, 19)),
    ),
    Row(
        name="not called confirmable",
        facts=suit(),
        steps=(
            *mediating("2024-03-08"),
            on("2024-03-20", Agree(OutcomeForm.AGREEMENT, signed_by_all=True, made_by=MadeBy.PEOPLE_COMMITTEE)),
            on("2024-03-21", APPLY),
        ),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    barred("a divorce", with_circumstance(suit(), "divorce"), "民诉解释(2022) 355(2)"),
    barred("a status", with_circumstance(at_window(), "status_confirmation"), "民诉解释(2022) 355(2)"),
    barred("validity of a marriage", with_circumstance(at_window(), "marriage_validity"), "民诉解释(2022) 355(2)"),
    barred("parentage", with_circumstance(at_window(), "parentage"), "民诉解释(2022) 355(2)"),
    barred("adoption", with_circumstance(at_window(), "adoption_status"), "民诉解释(2022) 355(2)"),
    barred("a suit about title", with_circumstance(suit(), "title_confirmation"), "民诉解释(2022) 355(4)"),
    barred("special procedure", at_window(procedure="special"), "民诉解释(2022) 355(3)"),
    barred("public summons", at_window(procedure="public_summons"), "民诉解释(2022) 355(3)"),
    barred("bankruptcy is mediable, and no court confirms it", suit(procedure="bankruptcy"), "民诉解释(2022) 355(3)"),
    barred("a title", suit(), "民诉解释(2022) 355(4)", "title"),
    barred("a right to intellectual property", suit(), "民诉解释(2022) 355(4)", "ip_title"),
    barred("a personal status", suit(), "民诉解释(2022) 355(2)", "status"),
    barred("a title and a status: no part is left", suit(), "民诉解释(2022) 355(4)", "title", "status"),
    barred("bankruptcy bars every part", suit(procedure="bankruptcy"), "民诉解释(2022) 355(3)", "debt", "title"),
    Row(
        name="a debt beside a title: it stands, and is severable",
        facts=suit(),
        steps=in_part("debt", "title"),
        says=Said("agreed, severable", clause="民诉解释(2022) 355(4)"),
    ),
    Row(
        name="a debt beside a status",
        facts=suit(),
        steps=in_part("debt", "status"),
        says=Said("agreed, severable", clause="民诉解释(2022) 355(2)"),
    ),
    Row(
        name="a debt alone",
        facts=suit(),
        steps=in_part("debt"),
        says=Said("agreed, confirmable", due=date(2024, 4, 19)),
    ),
    Row(
        name="a clerk applies for the severed part",
        facts=suit(),
        steps=(*in_part("debt", "title"), on("2024-03-21", ApplyForConfirmation(jointly=True, severed_part=True))),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    Row(
        name="a reviewer applies for the severed part",
        facts=suit(),
        steps=(
            *in_part("debt", "title"),
            on("2024-04-19", ApplyForConfirmation(jointly=True, severed_part=True), Role.REVIEWER),
        ),
        says=Said("confirmation_applied"),
    ),
    Row(
        name="a reviewer applies for it a day late",
        facts=suit(),
        steps=(
            *in_part("debt", "title"),
            on("2024-04-20", ApplyForConfirmation(jointly=True, severed_part=True), Role.REVIEWER),
        ),
        says=Said("refused", "confirmation_late", "民诉法 205"),
    ),
    Row(
        name="a reviewer applies for the whole",
        facts=suit(),
        steps=(*in_part("debt", "title"), on("2024-03-21", APPLY, Role.REVIEWER)),
        says=Said("refused", "not_confirmable", "民诉解释(2022) 355"),
    ),
    Row(
        name="nobody applied, nobody visited",
        facts=suit(),
        steps=(*AGREED, Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="民诉法(2023) 205; 人民调解法 31", due=date(2024, 5, 6)),
    ),
    Row(
        name="agreed on a day whose thirtieth is worked",
        facts=suit(),
        steps=(*mediating("2024-03-08"), on("2024-03-20", agreed()), Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="民诉法(2023) 205; 人民调解法 31", due=date(2024, 4, 19)),
    ),
    Row(
        name="the court does not rule in thirty days",
        facts=suit(),
        steps=(*APPLIED, Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="民诉法(2023) 187; 法释〔2011〕5号", due=date(2024, 5, 10)),
    ),
    Row(
        name="the court confirms",
        facts=suit(),
        steps=(*APPLIED, on("2024-04-20", Ruling(confirmed=True))),
        says=Said("confirmed"),
    ),
    Row(
        name="confirmed, and nobody supervises the performance",
        facts=suit(),
        steps=(*APPLIED, on("2024-05-20", Ruling(confirmed=True)), Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="人民调解法 31, 33", due=date(2024, 6, 19)),
    ),
    Row(
        name="confirmed and not performed: enforcement",
        facts=suit(),
        steps=(*APPLIED, on("2024-04-20", Ruling(confirmed=True)), on("2024-05-20", LaterFact("not_performed"))),
        says=Said("not_performed, enforcement"),
    ),
    Row(
        name="not confirmed and not performed: a suit",
        facts=suit(),
        steps=(*AGREED, on("2024-05-20", LaterFact("not_performed"))),
        says=Said("not_performed, suit"),
    ),
    Row(
        name="the court refuses",
        facts=suit(),
        steps=REFUSED,
        says=Said("confirmation_refused", "content_unclear"),
    ),
    Row(
        name="refused, and nothing follows",
        facts=suit(),
        steps=(*REFUSED, Ring("state", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="民诉法(2023) 206; local rule", due=date(2024, 5, 27)),
    ),
    Row(
        name="refused on a Tuesday: the weekend does not count",
        facts=suit(),
        steps=(
            *APPLIED,
            on("2024-05-21", Ruling(confirmed=False, reason_code="content_unclear")),
            Ring("state", Step.OVERDUE),
        ),
        says=Said("supervised, overdue", clause="民诉法(2023) 206; local rule", due=date(2024, 5, 28)),
    ),
    Row(
        name="refused, and mediated anew: a whole term",
        facts=suit(),
        steps=(*REFUSED, on("2024-05-21", begun())),
        says=Said("mediation_begun", clause="特邀调解规定 27(1); 在线调解规则 24", due=date(2024, 6, 20)),
    ),
    Row(
        name="that term has its own end",
        facts=suit(),
        steps=(*REFUSED, on("2024-05-21", begun()), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 6, 20)),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_confirmation(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("confirmation"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_confirmation_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
