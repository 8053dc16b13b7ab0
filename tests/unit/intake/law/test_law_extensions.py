"""Extensions: who may extend which limit, for how long and how often."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import Struct

from dispute.lifecycle import Extend, Role, Span
from dispute.lifecycle.event_types import Extended
from services.intake.law.bounds import days_given
from services.intake.law.facts import Facts
from services.intake.law.timers import Step
from tests.support.intake import BOOK, incident, petition, suit
from tests.support.law import (
    ChangedRule,
    Happening,
    LegalCase,
    Ring,
    Row,
    Said,
    answer,
    at_window,
    changed_rules,
    mediating,
    on,
)

PETITION = petition(received_on=date(2024, 5, 6), sent_on=date(2024, 5, 8), category="09")
FILED = suit(received_on=date(2024, 5, 6), sent_on=date(2024, 5, 8), filed_on=date(2024, 4, 30))
AFTER_2025 = suit(received_on=date(2025, 3, 3), sent_on=date(2025, 3, 3))


def longer(day: str, days: int = 30) -> Happening:
    """Return an extension that all sides agree to."""
    return on(day, Extend(consent_of_all=True, days=days))


def approved(day: str, days: int = 30) -> Happening:
    """Return an extension that a leader approves, whoever consents."""
    return on(day, Extend(consent_of_all=False, days=days), Role.LEADER)


def silent(day: str) -> Happening:
    """Return an extension to which a side said nothing."""
    return on(day, Extend(consent_of_all=False, days=30))


def extended(name: str, facts: Facts, begin: str, clause: str, due: date, *steps: Happening) -> Row:
    """Return a row: the last extension is granted."""
    return Row(name=name, facts=facts, steps=(*mediating(begin), *steps), says=Said("extended", clause=clause, due=due))


def refused(name: str, facts: Facts, begin: str, reason: str, clause: str, *steps: Happening) -> Row:
    """Return a row: the last extension is refused."""
    return Row(name=name, facts=facts, steps=(*mediating(begin), *steps), says=Said("refused", reason, clause))


ROWS = (
    extended(
        "before filing: sixty days at once, as all agree",
        suit(),
        "2024-03-08",
        "特邀调解规定 27",
        date(2024, 6, 6),
        longer("2024-03-20", 60),
    ),
    extended(
        "before filing: again, as all agree",
        suit(),
        "2024-03-08",
        "特邀调解规定 27",
        date(2024, 6, 17),
        longer("2024-03-20", 60),
        longer("2024-03-21", 10),
    ),
    refused(
        "before filing: a side is silent",
        suit(),
        "2024-03-08",
        "consent_missing",
        "特邀调解规定 27",
        silent("2024-03-20"),
    ),
    refused(
        "before filing: no day at all", suit(), "2024-03-08", "bad_days", "特邀调解规定 27", longer("2024-03-20", 0)
    ),
    extended(
        "in litigation, 2024: as all agree",
        FILED,
        "2024-05-13",
        "特邀调解规定 27",
        date(2024, 6, 17),
        longer("2024-05-20", 20),
    ),
    extended(
        "after registration: thirty days",
        AFTER_2025,
        "2025-03-03",
        "立案与调解意见(2024)",
        date(2025, 4, 17),
        longer("2025-03-10"),
    ),
    refused(
        "after registration: not a day more",
        AFTER_2025,
        "2025-03-03",
        "bad_days",
        "立案与调解意见(2024)",
        longer("2025-03-10", 31),
    ),
    refused(
        "after registration: once",
        AFTER_2025,
        "2025-03-03",
        "extended_already",
        "立案与调解意见(2024)",
        longer("2025-03-10", 10),
        longer("2025-03-11", 10),
    ),
    Row(
        name="after registration: a side is silent, and the term expires",
        facts=AFTER_2025,
        steps=(*mediating("2025-03-03"), Ring("due_on", Step.OVERDUE)),
        says=Said("failed", "term_expired", due=date(2025, 3, 18)),
    ),
    extended(
        "petition: the leader extends the statutory limit",
        PETITION,
        "2024-05-14",
        "信访工作条例 34",
        date(2024, 8, 5),
        approved("2024-06-20"),
    ),
    refused(
        "petition: the leader has thirty days",
        PETITION,
        "2024-05-14",
        "bad_days",
        "信访工作条例 34",
        approved("2024-06-20", 31),
    ),
    refused(
        "petition: the leader once",
        PETITION,
        "2024-05-14",
        "extended_already",
        "信访工作条例 34",
        approved("2024-06-20", 10),
        approved("2024-06-21", 10),
    ),
    extended(
        "petition: the parties follow within the longer statutory limit",
        PETITION,
        "2024-05-14",
        "信访工作条例 33, 34",
        date(2024, 7, 15),
        approved("2024-06-20"),
        longer("2024-06-21", 10),
    ),
    extended(
        "petition: the parties again",
        PETITION,
        "2024-05-14",
        "信访工作条例 33, 34",
        date(2024, 7, 25),
        approved("2024-06-20"),
        longer("2024-06-21", 10),
        longer("2024-06-24", 10),
    ),
    refused(
        "petition: nothing is left to the parties at the statutory limit",
        PETITION,
        "2024-05-14",
        "no_days_left",
        "信访工作条例 33, 34; 信访工作条例 34",
        longer("2024-06-21"),
    ),
    extended(
        "petition: as far as the leader's ten days reach",
        PETITION,
        "2024-05-14",
        "信访工作条例 33, 34; 信访工作条例 34",
        date(2024, 7, 15),
        approved("2024-06-20", 10),
        longer("2024-06-21"),
    ),
    refused(
        "petition: the parties have thirty days at a time",
        PETITION,
        "2024-05-14",
        "bad_days",
        "信访工作条例 33, 34",
        longer("2024-06-21", 31),
    ),
    extended(
        "at a window: thirty days",
        at_window(),
        "2024-03-11",
        "人民调解工作若干规定",
        date(2024, 5, 10),
        longer("2024-03-20"),
    ),
    extended(
        "at a window: and again",
        at_window(),
        "2024-03-11",
        "人民调解工作若干规定",
        date(2024, 6, 11),
        longer("2024-03-20"),
        longer("2024-03-21"),
    ),
    refused(
        "at a window: thirty days at a time",
        at_window(),
        "2024-03-11",
        "bad_days",
        "人民调解工作若干规定",
        longer("2024-03-20", 31),
    ),
    refused(
        "police: no consent extends it",
        incident(),
        "2024-03-11",
        "no_extension",
        "公安行政案件程序规定 165, 183",
        longer("2024-03-20"),
    ),
    extended(
        "police: the approving organ, thirty days",
        incident(),
        "2024-03-11",
        "公安行政案件程序规定 165",
        date(2024, 5, 10),
        approved("2024-03-20"),
    ),
    refused(
        "police: the approving organ has thirty days",
        incident(),
        "2024-03-11",
        "bad_days",
        "公安行政案件程序规定 165",
        approved("2024-03-20", 31),
    ),
    refused(
        "police: the approving organ once",
        incident(),
        "2024-03-11",
        "extended_already",
        "公安行政案件程序规定 165",
        approved("2024-03-20", 10),
        approved("2024-03-21", 10),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_extensions(row: Row) -> None:
    assert answer(row) == row.says


class Given(Struct, frozen=True):
    """Days that an extension tells.

    Attributes:
        asked: As the parties agreed.
        given: Really given.
        told_asked: What the event tells of the agreed ones.
    """

    asked: int
    given: int
    told_asked: int


@pytest.mark.parametrize("days", [Given(10, 10, 0), Given(11, 10, 11), Given(30, 10, 30)], ids=str)
def test_an_extension_that_the_statute_cuts_tells_the_days_that_it_gave(days: Given) -> None:
    case = LegalCase(PETITION)
    for step in (*mediating("2024-05-14"), approved("2024-06-20", 10), longer("2024-06-21", days.asked)):
        case.step(step)
    (event,) = case.events[-1:]
    assert (event.cohort.due_on, event.cohort.statutory_due_on) == (date(2024, 7, 15), date(2024, 7, 15))
    assert isinstance(event.payload, Extended)
    told = event.payload
    assert (told.days, told.days_asked, told.due_before) == (days.given, days.told_asked, date(2024, 7, 5))


@pytest.mark.parametrize(
    ("span", "until", "given"),
    [
        (Span(30), date(2024, 7, 15), 10),
        (Span(30), date(2024, 7, 5), 0),
        (Span(30), date(2024, 7, 1), 0),
        (Span(20, working=True), date(2024, 7, 15), 6),
        (Span(20, working=True), date(2024, 7, 14), 5),
        (Span(20, working=True), date(2024, 7, 6), 0),
    ],
)
def test_the_days_of_a_cut_extension_are_counted_as_its_rule_counts(span: Span, until: date, given: int) -> None:
    friday = date(2024, 7, 5)
    assert days_given(span, friday, until, BOOK.calendar) == given


@pytest.mark.parametrize("changed", changed_rules("extensions"), ids=lambda changed: changed.name)
def test_a_mistake_in_a_rule_turns_a_row_of_extensions_red(changed: ChangedRule) -> None:
    assert changed.red_rows(ROWS)
