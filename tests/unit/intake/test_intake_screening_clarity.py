"""Clarity: legal relation and facts at least fairly clear (001-19)."""

from __future__ import annotations

import pytest

from services.intake.law.screening import screen
from tests.support.intake import RULES, suit


@pytest.mark.parametrize("relation", ["clear", "fairly_clear"])
@pytest.mark.parametrize("facts", ["clear", "fairly_clear"])
def test_fairly_clear_is_clear_enough(relation: str, facts: str) -> None:
    assert screen(suit(relation_clarity=relation, facts_clarity=facts), RULES).accepted


@pytest.mark.parametrize("clarity", ["unclear", "", "perhaps"])
def test_anything_else_is_not(clarity: str) -> None:
    relation = screen(suit(relation_clarity=clarity), RULES)
    assert (relation.reason_code, relation.clause) == ("relation_unclear", RULES.clarity_clause)
    assert screen(suit(facts_clarity=clarity), RULES).reason_code == "facts_unclear"


def test_consent_is_asked_before_clarity() -> None:
    assert screen(suit(relation_clarity="unclear", consents=()), RULES).reason_code == "consent_missing"
