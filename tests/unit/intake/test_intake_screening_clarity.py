"""Clarity: legal relation and facts at least fairly clear (001-19)."""

from __future__ import annotations

import pytest

from services.intake.law.facts import Consent
from services.intake.law.screening import screen
from tests.support.intake import RULES, suit


@pytest.mark.parametrize("relation", ["clear", "fairly_clear"])
@pytest.mark.parametrize("facts", ["clear", "fairly_clear"])
def test_fairly_clear_is_clear_enough(relation: str, facts: str) -> None:
    assert screen(suit(relation_clarity=relation, facts_clarity=facts), RULES).accepted


@pytest.mark.parametrize("clarity", ["unclear", "", "perhaps"])
def test_anything_else_is_waited_for(clarity: str) -> None:
    relation = screen(suit(relation_clarity=clarity), RULES)
    assert (relation.reason_code, relation.missing) == ("", ("relation_unclear",))
    assert relation.clause == RULES.clarity_clause
    assert not relation.accepted
    assert screen(suit(facts_clarity=clarity), RULES).missing == ("facts_unclear",)


def test_consent_is_the_weightiest_of_what_is_missing() -> None:
    verdict = screen(suit(relation_clarity="unclear", facts_clarity="", consents=()), RULES)
    assert verdict.missing == ("consent_missing", "relation_unclear", "facts_unclear")
    assert verdict.clause == RULES.consent_clause


def test_a_refusal_is_not_waited_out() -> None:
    verdict = screen(suit(relation_clarity="", consents=(Consent("defendant", "refused"),)), RULES)
    assert (verdict.reason_code, verdict.missing) == ("consent_refused", ())
