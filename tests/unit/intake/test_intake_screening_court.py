"""Court: exclusions of domain 5.2. Each case changes one fact of a suit that is mediable."""

from __future__ import annotations

import pytest

from services.intake.law.screening import screen
from tests.support.intake import RULES, suit


def test_a_clear_suit_with_consent_of_all_is_accepted() -> None:
    verdict = screen(suit(), RULES)
    assert verdict.accepted
    assert "特邀调解规定" in verdict.clause


@pytest.mark.parametrize("procedure", ["ordinary", "summary", "small_claims", "bankruptcy"])
def test_procedures_that_no_clause_excludes_are_mediable(procedure: str) -> None:
    assert screen(suit(procedure=procedure), RULES).accepted


@pytest.mark.parametrize(
    ("procedure", "reason"),
    [
        ("special", "special_procedure"),
        ("payment_order", "payment_order_procedure"),
        ("public_summons", "public_summons_procedure"),
    ],
)
def test_procedures_without_mediation(procedure: str, reason: str) -> None:
    verdict = screen(suit(procedure=procedure), RULES)
    assert verdict.reason_code == reason
    assert "民诉解释(2022)" in verdict.clause


@pytest.mark.parametrize("circumstance", ["status_confirmation", "marriage_validity", "parentage", "adoption_status"])
def test_confirmation_of_status_is_not_mediable(circumstance: str) -> None:
    assert screen(suit(circumstances=frozenset({circumstance})), RULES).reason_code == "status_confirmation"


def test_an_administrative_suit_on_legality_is_not_mediable() -> None:
    assert screen(suit(suit_kind="administrative"), RULES).reason_code == "administrative_legality"


@pytest.mark.parametrize("circumstance", ["compensation", "discretion"])
def test_an_administrative_suit_on_compensation_or_discretion_is(circumstance: str) -> None:
    facts = suit(suit_kind="administrative", circumstances=frozenset({circumstance}))
    assert screen(facts, RULES).accepted


@pytest.mark.parametrize("suit_kind", ["civil", "commercial"])
def test_civil_and_commercial_suits_are_mediable(suit_kind: str) -> None:
    assert screen(suit(suit_kind=suit_kind), RULES).accepted


def test_police_exclusions_do_not_touch_suits() -> None:
    assert screen(suit(circumstances=frozenset({"gang_fight", "fled"})), RULES).accepted


def test_an_unknown_circumstance_excludes_nothing() -> None:
    assert screen(suit(circumstances=frozenset({"divert", "do_not_divert"})), RULES).accepted
