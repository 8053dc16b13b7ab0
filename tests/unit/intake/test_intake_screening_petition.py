"""Petition: scope of 访调 (domain 5.4), traps 6 and 8."""

from __future__ import annotations

import pytest

from services.intake.law.screening import screen
from tests.support.intake import RULES, petition


def test_a_civil_request_is_accepted() -> None:
    verdict = screen(petition(), RULES)
    assert verdict.accepted
    assert "信访工作条例 33" in verdict.clause


def test_whistle_blowing_never_goes_to_mediation() -> None:
    verdict = screen(petition(purpose="whistle_blowing"), RULES)
    assert (verdict.reason_code, verdict.clause) == ("whistle_blowing", "信访工作条例 30")


def test_whistle_blowing_outweighs_everything_else() -> None:
    facts = petition(purpose="whistle_blowing", circumstances=frozenset({"litigation_pending"}), consents=())
    assert screen(facts, RULES).reason_code == "whistle_blowing"


def test_a_suggestion_is_no_dispute() -> None:
    assert screen(petition(purpose="suggestion"), RULES).reason_code == "suggestion"


@pytest.mark.parametrize(
    ("circumstance", "reason"),
    [
        ("litigation_pending", "litigation_pending"),
        ("administrative_dispute", "administrative_dispute"),
        ("law_and_litigation", "litigation_pending"),
        ("special_organ_only", "special_organ_only"),
        ("whistle_blowing", "whistle_blowing"),
        ("handled_above", "handled_above"),
        ("review_concluded", "review_concluded"),
    ],
)
def test_circumstances_that_bar_petition_mediation(circumstance: str, reason: str) -> None:
    assert screen(petition(circumstances=frozenset({circumstance})), RULES).reason_code == reason


def test_civil_part_of_a_dispute_with_an_agency_is_mediable() -> None:
    facts = petition(circumstances=frozenset({"administrative_dispute", "compensation"}))
    assert screen(facts, RULES).accepted


def test_matters_of_the_discipline_body_have_their_own_route() -> None:
    assert screen(petition(category="1502"), RULES).reason_code == "discipline_matter"


def test_matters_of_law_and_litigation_go_to_the_judicial_organs() -> None:
    for category in ("14", "1401"):
        verdict = screen(petition(category=category), RULES)
        assert (verdict.reason_code, verdict.clause) == ("litigation_pending", "信访工作条例 28")


@pytest.mark.parametrize(("came", "missing"), [(0, ()), (5, ()), (6, ("too_many_representatives",))])
def test_five_may_come_in_person(came: int, missing: tuple[str, ...]) -> None:
    verdict = screen(petition(representatives=came), RULES)
    assert verdict.missing == missing
    assert verdict.clause == (RULES.representatives_clause if missing else "信访工作条例 33; 001-19")
