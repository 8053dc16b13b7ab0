"""Cases for intake's tests: each is mediable until a test changes one fact."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dispute.calendar.working_days import WorkCalendar
from services.intake.law.facts import Consent, Facts
from services.intake.law.rule_files import load_rules

TONGDAO = Path(__file__).parents[2] / "deploy/rules/431230-tongdao"
"""The example of a county's rules: petitions there have a local limit."""
BOOK = load_rules(WorkCalendar({})).book
TONGDAO_BOOK = load_rules(WorkCalendar({}), TONGDAO).book
RULES = BOOK.screening
LIMITS = BOOK.deadlines


def suit(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a court's suit of regime A."""
    facts = Facts(
        channel="court",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 5),
        category="06",
        case_cause="contract",
        procedure="ordinary",
        suit_kind="civil",
        relation_clarity="clear",
        facts_clarity="fairly_clear",
        consents=(Consent("plaintiff", "given"), Consent("defendant", "given")),
    )
    return replace(facts, **changes)


def incident(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a police incident."""
    facts = Facts(
        channel="police",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 4),
        category="02",
        case_cause="dispute",
        relation_clarity="clear",
        facts_clarity="clear",
        consents=(Consent("applicant", "given"), Consent("respondent", "given")),
    )
    return replace(facts, **changes)


def petition(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a petition with a civil request."""
    facts = Facts(
        channel="petition",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 6),
        category="07",
        case_cause="990000",
        purpose="request",
        relation_clarity="fairly_clear",
        facts_clarity="fairly_clear",
        consents=(Consent("petitioner", "given"), Consent("respondent", "given")),
    )
    return replace(facts, **changes)
