"""An event by which a dispute heard a result tells that result again."""

from __future__ import annotations

import pytest

from dispute.lifecycle import Link, OutcomeForm, State, dispute_id_of
from services.intake.dry_run.heard import HeardResults
from services.intake.law.shared_results import (
    AnyResult,
    SharedAgreement,
    SharedFailure,
    SharedNonPerformance,
    SharedPerformance,
    SharedWithdrawal,
    instruction_of,
)
from tests.support.lifecycle import DIGEST, ORGAN, reach

OTHER, THIRD = dispute_id_of(ORGAN, "another"), dispute_id_of(ORGAN, "a third one")


def agreement(other: str) -> SharedAgreement:
    return SharedAgreement(other, "", OutcomeForm.AGREEMENT, 100, DIGEST, partial=True)


@pytest.mark.parametrize(
    "results",
    [
        (agreement(OTHER),),
        (SharedFailure(OTHER, "", "deadlock"),),
        (agreement(OTHER), SharedPerformance(OTHER, "", DIGEST)),
        (agreement(OTHER), SharedNonPerformance(OTHER, "")),
        (agreement(OTHER), SharedWithdrawal(OTHER, ""), agreement(THIRD), SharedPerformance(THIRD, "", DIGEST)),
    ],
)
def test_what_was_heard_is_told_again(results: tuple[AnyResult, ...]) -> None:
    walk, heard = reach(State.SIGNED).do(Link(OTHER)), HeardResults()
    for result in results:
        before = walk.state
        order = instruction_of(result, before, None)
        assert order is not None
        told = heard.by(walk.do(order).last)
        assert instruction_of(told, before, None) == order
        assert told.shared_from == result.shared_from


def test_an_event_that_tells_nothing_is_a_bug() -> None:
    walk = reach(State.SIGNED)
    with pytest.raises(TypeError, match="signed"):
        HeardResults().by(walk.last)
