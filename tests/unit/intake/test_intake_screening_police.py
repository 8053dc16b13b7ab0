"""Police: exceptions of 公安行政案件程序规定 179 (domain 5.3)."""

from __future__ import annotations

import pytest

from services.intake.law.screening import screen
from tests.support.intake import RULES, incident


def test_a_minor_dispute_is_accepted() -> None:
    verdict = screen(incident(), RULES)
    assert verdict.accepted
    assert verdict.regime == ""
    assert "178" in verdict.clause


@pytest.mark.parametrize(
    ("circumstance", "reason"),
    [
        ("hired_attack", "hired_attack"),
        ("gang_fight", "gang_fight"),
        ("provocation", "gang_fight"),
        ("repeat_offence", "repeat_offence"),
        ("party_refuses", "consent_refused"),
        ("new_offence", "new_offence"),
        ("fled", "suspect_fled"),
        ("repeated_domestic_violence", "repeated_domestic_violence"),
        ("weapon", "criminal_matter"),
        ("administrative_dispute", "administrative_dispute"),
    ],
)
def test_circumstances_that_bar_police_mediation(circumstance: str, reason: str) -> None:
    assert screen(incident(circumstances=frozenset({circumstance})), RULES).reason_code == reason


@pytest.mark.parametrize(
    "found",
    ["criminal", "help", "report", "complaint", "inquiry", "gathering", "mass_incident"],
)
def test_the_class_as_found_decides(found: str) -> None:
    verdict = screen(incident(case_cause=found), RULES)
    assert (verdict.reason_code, verdict.undocked) == ("not_a_dispute", False)


@pytest.mark.parametrize("found", ["harassment", "invalid"])
def test_noise_is_no_matter_for_docking(found: str) -> None:
    verdict = screen(incident(case_cause=found, consents=()), RULES)
    assert (verdict.reason_code, verdict.undocked) == ("noise_call", True)


@pytest.mark.parametrize(("earlier", "reason"), [(0, ""), (1, ""), (2, "repeated_domestic_violence")])
def test_the_third_report_of_violence_at_home_is_not_handed_to_mediation(earlier: int, reason: str) -> None:
    facts = incident(circumstances=frozenset({"domestic_violence"}), earlier_reports=earlier)
    verdict = screen(facts, RULES)
    assert verdict.reason_code == reason
    assert (verdict.clause == RULES.repeated_violence_clause) is bool(reason)
    assert screen(incident(earlier_reports=earlier), RULES).accepted


@pytest.mark.parametrize("found", ["dispute", "public_security", "traffic", "social_linkage", "other", ""])
def test_disputes_and_minor_matters_are_mediable(found: str) -> None:
    assert screen(incident(case_cause=found), RULES).accepted
