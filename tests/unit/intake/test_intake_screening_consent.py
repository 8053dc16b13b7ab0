"""Consent: nobody is made to mediate, in any channel (人民调解法 3, 17; 特邀调解规定 11, 12)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from services.intake.law.facts import Consent, Facts
from services.intake.law.screening import screen
from tests.support.intake import RULES, incident, petition, suit

CASES = [
    pytest.param(suit(), ("plaintiff", "defendant"), id="court"),
    pytest.param(incident(), ("applicant", "respondent"), id="police"),
    pytest.param(petition(), ("petitioner", "respondent"), id="petition"),
]


def with_consents(facts: Facts, *answers: tuple[str, str]) -> Facts:
    return replace(facts, consents=tuple(Consent(role, answer) for role, answer in answers))


@pytest.mark.parametrize(("facts", "roles"), CASES)
@pytest.mark.parametrize(
    ("answer", "decided"),
    [
        ("refused", ("consent_refused", ())),
        ("unreachable", ("party_unreachable", ())),
        ("not_asked", ("", ("consent_missing",))),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_one_side_without_consent_is_enough(
    facts: Facts, roles: tuple[str, str], answer: str, decided: tuple[str, tuple[str, ...]], side: int
) -> None:
    answers = [(role, answer if number == side else "given") for number, role in enumerate(roles)]
    verdict = screen(with_consents(facts, *answers), RULES)
    assert (verdict.reason_code, verdict.missing) == decided
    assert not verdict.accepted
    assert verdict.clause == RULES.consent_clause


@pytest.mark.parametrize(("facts", "roles"), CASES)
def test_a_side_that_is_not_mentioned_did_not_consent(facts: Facts, roles: tuple[str, str]) -> None:
    assert screen(with_consents(facts), RULES).missing == ("consent_missing",)
    for role in roles:
        assert screen(with_consents(facts, (role, "given")), RULES).missing == ("consent_missing",)
    assert screen(with_consents(facts, *((role, "given") for role in roles)), RULES).accepted


def test_a_refusal_outweighs_a_missing_answer() -> None:
    facts = with_consents(suit(), ("plaintiff", "unreachable"), ("defendant", "refused"))
    assert screen(facts, RULES).reason_code == "consent_refused"


def test_one_of_many_defendants_is_enough_to_refuse() -> None:
    facts = with_consents(suit(), ("plaintiff", "given"), ("defendant", "given"), ("defendant", "refused"))
    assert screen(facts, RULES).reason_code == "consent_refused"


def test_a_minor_needs_the_guardian_too() -> None:
    facts = replace(incident(), circumstances=frozenset({"minor_victim"}))
    assert screen(facts, RULES).missing == ("guardian_consent_missing",)
    facts = replace(facts, consents=(*facts.consents, Consent("guardian", "given")))
    assert screen(facts, RULES).accepted


def test_an_unknown_answer_is_no_consent() -> None:
    facts = with_consents(suit(), ("plaintiff", "given"), ("defendant", "maybe"))
    assert screen(facts, RULES).missing == ("consent_missing",)
