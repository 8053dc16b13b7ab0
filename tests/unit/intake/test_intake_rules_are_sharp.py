"""Changing one exclusion changes exactly the decisions that rest on it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from services.intake.law.facts import Facts
from services.intake.law.screening import Exclusion, exclusion_of, screen
from tests.support.intake import RULES, incident, petition, suit

CHANGES: list[dict[str, Any]] = [
    {},
    {"suit_kind": "administrative"},
    *(
        {str(rule.fact): value}
        for rule in RULES.exclusions
        if rule.fact != "circumstances"
        for value in sorted(rule.values)
    ),
    *(
        {"circumstances": frozenset({value})}
        for rule in RULES.exclusions
        if rule.fact == "circumstances"
        for value in sorted(rule.values)
    ),
]
PROBES = [make(**change) for make in (suit, incident, petition) for change in CHANGES]


@pytest.mark.parametrize("rule", RULES.exclusions, ids=lambda rule: f"{rule.reason_code}-{rule.fact}")
def test_without_one_exclusion_only_its_cases_change(rule: Exclusion) -> None:
    without = replace(RULES, exclusions=tuple(other for other in RULES.exclusions if other is not rule))
    changed = [facts for facts in PROBES if screen(facts, RULES) != screen(facts, without)]
    assert changed, "no probe rests on this exclusion"
    assert all(rests_on(facts, rule) for facts in changed)


def rests_on(facts: Facts, rule: Exclusion) -> bool:
    alone = exclusion_of(facts, replace(RULES, exclusions=(rule,)))
    return alone is rule and screen(facts, RULES).reason_code == rule.reason_code
