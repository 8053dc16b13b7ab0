"""Petitions: two limits that never overwrite each other, and a county's milestones of first petitions."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.lifecycle import ApplyForConfirmation, Extend, Milestone, ReachMilestone, Recurrence, Role
from services.intake.law.facts import Facts
from services.intake.law.handoff import Ruling
from services.intake.law.timers import Step
from tests.support.intake import petition
from tests.support.law import (
    ChangedRule,
    LegalCase,
    Ring,
    Row,
    Said,
    StepOfRow,
    agreed,
    answer,
    begun,
    changed_rules,
    mediating,
    on,
    signed,
    with_circumstance,
)
from tests.support.lifecycle import payload_of

PETITION = petition(received_on=date(2024, 5, 6), sent_on=date(2024, 5, 8), category="09")
LONG_AGO = petition(category="09")
ON_A_THURSDAY = petition(received_on=date(2024, 3, 7), sent_on=date(2024, 3, 7), category="09")
ANEW = (
    *mediating("2024-03-07"),
    on("2024-03-08", Extend(consent_of_all=False, days=30), Role.LEADER),
    on("2024-03-11", agreed()),
    on("2024-03-12", ApplyForConfirmation(jointly=True)),
    on("2024-03-25", Ruling(confirmed=False, reason_code="content_unclear")),
    on("2024-03-28", begun()),
)


def reached(*days: tuple[str, Milestone]) -> tuple[StepOfRow, ...]:
    return tuple(on(day, ReachMilestone(milestone)) for day, milestone in days)


MET = ("2024-05-09", Milestone.MET)
INVESTIGATED = ("2024-05-11", Milestone.INVESTIGATED)
FED_BACK = ("2024-05-13", Milestone.FED_BACK)


def excluded(name: str, facts: Facts, reason: str, clause: str) -> Row:
    """Return a row: the screening refuses the case."""
    return Row(name=name, facts=facts, says=Said("mediation_refused", reason, clause))


ROWS = (
    Row(
        name="a civil request, clear and consented to",
        facts=PETITION,
        says=Said("accepted", clause="信访工作条例 33; 001-19"),
    ),
    excluded("whistle-blowing", petition(purpose="whistle_blowing"), "whistle_blowing", "信访工作条例 30"),
    excluded("a suggestion", petition(purpose="suggestion"), "suggestion", "信访工作条例 29"),
    excluded("handled above", with_circumstance(PETITION, "handled_above"), "handled_above", "信访工作条例 19"),
    excluded(
        "reviewed and re-examined",
        with_circumstance(PETITION, "review_concluded"),
        "review_concluded",
        "信访工作条例 35, 36",
    ),
    Row(
        name="five representatives",
        facts=petition(representatives=5),
        says=Said("accepted", clause="信访工作条例 33; 001-19"),
    ),
    *(
        Row(
            name=f"{count} representatives: the screening waits for fewer",
            facts=petition(representatives=count),
            says=Said(
                "information_requested",
                "too_many_representatives",
                "信访工作条例 20; 信访工作条例 22, 23",
                date(2024, 3, 21),
            ),
        )
        for count in (6, 7)
    ),
    Row(
        name="dispatched: five working days to sign or to object, a Saturday is worked",
        facts=PETITION,
        steps=signed("2024-05-09")[:1],
        says=Said("dispatched", clause="信访工作条例 23", due=date(2024, 5, 15)),
    ),
    Row(
        name="signed: no later than sixty days from the registration",
        facts=PETITION,
        steps=signed("2024-05-14"),
        says=Said("signed", clause="信访工作条例 34", due=date(2024, 7, 5)),
    ),
    Row(
        name="signed after the sixty days: the day itself is the last",
        facts=PETITION,
        steps=signed("2024-07-08"),
        says=Said("signed", clause="信访工作条例 34", due=date(2024, 7, 8)),
    ),
    Row(
        name="the term and the statutory limit end on one day: the term fails",
        facts=PETITION,
        steps=(*mediating("2024-05-14"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2024, 7, 5)),
    ),
    Row(
        name="the term and the statutory limit end on one day: the limit has its own alarm",
        facts=PETITION,
        steps=(*mediating("2024-05-14"), Ring("statutory_due_on", Step.OVERDUE)),
        says=Said("supervised, overdue", clause="信访工作条例 34", due=date(2024, 7, 5)),
    ),
    Row(
        name="mediated anew after a refused confirmation: sixty days, the statutory limit was extended",
        facts=LONG_AGO,
        steps=ANEW,
        says=Said("mediation_begun", clause="信访工作条例 34", due=date(2024, 5, 27)),
    ),
    Row(
        name="the package knows no limit of the county",
        facts=PETITION,
        steps=reached(("2024-06-20", Milestone.CONCLUDED)),
        says=Said("milestone_reached, concluded"),
    ),
    Row(
        name="county: a limit of its own beside the statutory one",
        facts=PETITION,
        steps=(Ring("local_due_on", Step.OVERDUE),),
        county=True,
        says=Said("supervised, overdue", clause="三五七三十 (local rule of S3)", due=date(2024, 6, 5)),
    ),
    Row(
        name="county: the statutory limit still has its own alarm",
        facts=PETITION,
        steps=(Ring("local_due_on", Step.OVERDUE), Ring("statutory_due_on", Step.OVERDUE)),
        county=True,
        says=Said("supervised, overdue", clause="信访工作条例 34", due=date(2024, 7, 5)),
    ),
    Row(
        name="county: met on the third day",
        facts=PETITION,
        steps=reached(MET),
        county=True,
        says=Said("milestone_reached, met", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 9)),
    ),
    Row(
        name="county: met on the fourth day",
        facts=PETITION,
        steps=reached(("2024-05-10", Milestone.MET)),
        county=True,
        says=Said("milestone_reached, met, late", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 9)),
    ),
    Row(
        name="county: the third day is a Sunday: Monday",
        facts=ON_A_THURSDAY,
        steps=reached(("2024-03-11", Milestone.MET)),
        county=True,
        says=Said("milestone_reached, met", clause="三五七三十 (local rule of S3)", due=date(2024, 3, 11)),
    ),
    Row(
        name="county: five days over a weekend",
        facts=ON_A_THURSDAY,
        steps=reached(("2024-03-11", Milestone.MET), ("2024-03-12", Milestone.INVESTIGATED)),
        county=True,
        says=Said("milestone_reached, investigated", clause="三五七三十 (local rule of S3)", due=date(2024, 3, 12)),
    ),
    Row(
        name="county: investigated on the fifth day, a Saturday that is worked",
        facts=PETITION,
        steps=reached(MET, INVESTIGATED),
        county=True,
        says=Said("milestone_reached, investigated", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 11)),
    ),
    Row(
        name="county: investigated late",
        facts=PETITION,
        steps=reached(MET, ("2024-05-13", Milestone.INVESTIGATED)),
        county=True,
        says=Said(
            "milestone_reached, investigated, late", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 11)
        ),
    ),
    Row(
        name="county: fed back on the seventh day",
        facts=PETITION,
        steps=reached(MET, INVESTIGATED, FED_BACK),
        county=True,
        says=Said("milestone_reached, fed_back", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 13)),
    ),
    Row(
        name="county: fed back late",
        facts=PETITION,
        steps=reached(MET, INVESTIGATED, ("2024-05-14", Milestone.FED_BACK)),
        county=True,
        says=Said("milestone_reached, fed_back, late", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 13)),
    ),
    Row(
        name="county: concluded on the thirtieth day",
        facts=PETITION,
        steps=reached(MET, INVESTIGATED, FED_BACK, ("2024-06-05", Milestone.CONCLUDED)),
        county=True,
        says=Said("milestone_reached, concluded", clause="三五七三十 (local rule of S3)", due=date(2024, 6, 5)),
    ),
    Row(
        name="county: concluded late",
        facts=PETITION,
        steps=reached(MET, INVESTIGATED, FED_BACK, ("2024-06-06", Milestone.CONCLUDED)),
        county=True,
        says=Said("milestone_reached, concluded, late", clause="三五七三十 (local rule of S3)", due=date(2024, 6, 5)),
    ),
    Row(
        name="county: concluded before anybody met the petitioner",
        facts=PETITION,
        steps=reached(("2024-05-09", Milestone.CONCLUDED)),
        county=True,
        says=Said("refused", "milestone_order", "三五七三十 (local rule of S3)"),
    ),
    Row(
        name="county: nobody met the petitioner",
        facts=PETITION,
        steps=(Ring("met", Step.OVERDUE),),
        county=True,
        says=Said("supervised, overdue", clause="三五七三十 (local rule of S3)", due=date(2024, 5, 9)),
    ),
    Row(
        name="county: a repeated petition has no milestones to be late for",
        facts=PETITION,
        steps=reached(("2024-05-20", Milestone.MET)),
        county=True,
        recurrence=Recurrence.REPEAT,
        says=Said("milestone_reached, met"),
    ),
    Row(
        name="county: nor an order of them",
        facts=PETITION,
        steps=reached(("2024-05-20", Milestone.CONCLUDED)),
        county=True,
        recurrence=Recurrence.REPEAT,
        says=Said("milestone_reached, concluded"),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_petition(row: Row) -> None:
    assert answer(row) == row.says


@pytest.mark.parametrize("changed", changed_rules("petition"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_petition_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)


def test_the_two_dates_of_a_petition_stand_beside_each_other() -> None:
    case = LegalCase(PETITION)
    for step in signed("2024-05-14"):
        case.step(step)
    cohort = case.known.cohort
    assert (cohort.due_on, cohort.statutory_due_on, cohort.local_due_on) == (
        date(2024, 7, 5),
        date(2024, 7, 5),
        None,
    )
    assert payload_of(case.events[0]).clause == "信访工作条例 34"
    assert case.timers.keys() == {"due_on", "statutory_due_on", "state"}


def test_only_the_countys_folder_gives_milestones_and_only_first_petitions_have_them() -> None:
    (row, *_) = (row for row in ROWS if row.county)
    first = LegalCase(PETITION, row.book)
    repeated = LegalCase(PETITION, row.book, Recurrence.REPEAT)
    milestones = {"met", "investigated", "fed_back", "concluded"}
    assert first.timers.keys() >= milestones | {"local_due_on", "statutory_due_on"}
    assert milestones.isdisjoint(repeated.timers)
    assert milestones.isdisjoint(LegalCase(PETITION).timers)
