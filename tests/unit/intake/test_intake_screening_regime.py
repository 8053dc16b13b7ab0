"""Court regime: the court's own date of receipt decides (legal border case 1)."""

from __future__ import annotations

from datetime import date

import pytest

from services.intake.law.facts import Consent
from services.intake.law.screening import screen
from tests.support.intake import RULES, incident, suit


@pytest.mark.parametrize(
    ("received_on", "regime"),
    [(date(2024, 1, 1), "A"), (date(2024, 12, 31), "A"), (date(2025, 1, 1), "B"), (date(2026, 3, 1), "B")],
)
def test_the_day_of_receipt_decides(received_on: date, regime: str) -> None:
    verdict = screen(suit(received_on=received_on, sent_on=received_on), RULES)
    assert verdict.regime == regime
    assert not verdict.transitional
    assert verdict.accepted


def test_told_across_the_change_stays_in_regime_a_and_is_flagged() -> None:
    verdict = screen(suit(received_on=date(2024, 12, 30), sent_on=date(2025, 1, 3)), RULES)
    assert (verdict.regime, verdict.transitional) == ("A", True)


def test_consent_across_the_change_is_flagged_too() -> None:
    consents = (Consent("plaintiff", "given", date(2024, 12, 30)), Consent("defendant", "given", date(2025, 1, 3)))
    facts = suit(received_on=date(2024, 12, 30), sent_on=date(2024, 12, 31), consents=consents)
    verdict = screen(facts, RULES)
    assert (verdict.regime, verdict.transitional) == ("A", True)


def test_other_channels_have_no_regime() -> None:
    verdict = screen(incident(received_on=date(2024, 12, 30), sent_on=date(2025, 1, 3)), RULES)
    assert (verdict.regime, verdict.transitional) == ("", False)


def test_the_ground_follows_the_regime() -> None:
    before, after = (screen(suit(received_on=day, sent_on=day), RULES) for day in (date(2024, 5, 6), date(2025, 5, 6)))
    assert before.clause != after.clause
