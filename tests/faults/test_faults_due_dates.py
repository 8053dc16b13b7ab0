"""The oracle counts the limits of facts again: a fact that stands under a day that was put right is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.county import STATUTORY, county
from tests.faults.evidence import Evidence
from tests.faults.oracle import judge
from tests.faults.recount import EPOCH
from tests.faults.rows import Fact, StoreRows

BEFORE = STATUTORY.toordinal() - EPOCH
AFTER = BEFORE + 2


def with_facts(evidence: Evidence, facts: list[Fact]) -> Evidence:
    stats = evidence.stores["stats"]
    return replace(evidence, stores={**evidence.stores, "stats": StoreRows("stats", {**stats.tables, "fact": facts})})


def test_a_correction_moves_facts_from_the_old_day_to_the_new_one() -> None:
    facts = county().stores["stats"].of(Fact)
    moved = {fact.dispute for fact in facts if fact.statutory_due_on == AFTER}
    assert len(moved) == 1
    net = [(fact.statutory_due_on, fact.sign) for fact in facts if fact.dispute in moved]
    old, new = (sum(sign for day, sign in net if day == when) for when in (BEFORE, AFTER))
    assert old == 0
    assert new > 1


@pytest.mark.parametrize("day", [BEFORE, None])
def test_a_fact_under_another_day_is_found(day: int | None) -> None:
    evidence = county()
    facts = list(evidence.stores["stats"].of(Fact))
    wrong = next(number for number, fact in enumerate(facts) if fact.statutory_due_on == AFTER)
    facts[wrong] = facts[wrong]._replace(statutory_due_on=day)
    verdict = judge(with_facts(evidence, facts))
    assert not verdict.ok
    assert any(problem.startswith("facts: stats lacks: 1") for problem in verdict.problems)
