"""Nothing is accepted before what may exclude it is known; what is known excludes at once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.intake.law.facts import Consent, Facts
from services.intake.law.handoff import LaterFact
from services.intake.law.reports import with_report
from services.intake.law.screening import screen
from tests.support.intake import RULES, incident, petition, suit


@pytest.mark.parametrize("facts", [suit(), incident(), petition()], ids=lambda facts: facts.channel)
def test_a_case_without_a_category_waits_until_it_is_classed(facts: Facts) -> None:
    verdict = screen(replace(facts, category=""), RULES)
    assert (verdict.missing, verdict.accepted) == (("category_unknown",), False)
    now = with_report(replace(facts, category=""), LaterFact("reclassified", category=facts.category))
    assert now is not None
    assert screen(now, RULES).accepted


@pytest.mark.parametrize("unknown", [{"procedure": ""}, {"suit_kind": ""}, {"procedure": "", "suit_kind": ""}])
def test_a_suit_without_kind_or_procedure_waits(unknown: dict[str, str]) -> None:
    assert screen(replace(suit(), **unknown), RULES).missing == ("procedure_unknown",)


def test_a_suit_that_is_not_filed_has_no_procedure_yet() -> None:
    assert screen(replace(suit(), procedure="before_filing"), RULES).accepted


@pytest.mark.parametrize("facts", [incident(), petition()], ids=lambda facts: facts.channel)
def test_only_a_court_has_a_procedure(facts: Facts) -> None:
    assert screen(replace(facts, procedure="", suit_kind=""), RULES).accepted


def test_what_excludes_and_who_refuses_decide_at_once() -> None:
    nothing = replace(suit(), category="", procedure="", suit_kind="")
    refused = replace(nothing, consents=(Consent("plaintiff", "refused"),))
    assert screen(refused, RULES).reason_code == "consent_refused"
    special = replace(nothing, procedure="special")
    assert screen(special, RULES).reason_code == "special_procedure"


def test_the_weightiest_is_named_first() -> None:
    nothing = replace(suit(), category="", procedure="", consents=(), relation_clarity="", facts_clarity="")
    verdict = screen(nothing, RULES)
    assert verdict.missing == (
        "consent_missing",
        "relation_unclear",
        "facts_unclear",
        "category_unknown",
        "procedure_unknown",
    )
    assert screen(replace(suit(), category=""), RULES).clause == RULES.clarity_clause
