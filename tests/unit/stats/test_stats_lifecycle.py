"""Real events of the lifecycle: the fold sums what the dispute says is counted, also after a move or a relapse."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispute.contracts.codec import event_to_wire
from dispute.lifecycle import (
    Agree,
    Colour,
    EventKind,
    Instruction,
    OutcomeForm,
    Reclassify,
    Reopen,
    ReopenReason,
    State,
    Withdraw,
    WithdrawReason,
)
from hub.errors import Rejected
from services.stats.facts.fold import DIMENSIONS, FACT_COLUMNS, Fold, cohort_days
from services.stats.facts.measures import COUNTED, CohortCount
from services.stats.figures.definitions import METRICS
from services.stats.figures.rates import rate_of
from tests.support.lifecycle import PATHS, START, Walk, reach

CONCLUDED = {EventKind.AGREED, EventKind.FAILED, EventKind.WITHDRAWN}
MOVES = [Reclassify(town_code=f"62072510{number}", reason_code="clerk_error") for number in (2, 3)]


class Ids:
    def __init__(self) -> None:
        self.known: dict[tuple[str, str], int] = {}

    def of(self, dimensions: Any) -> tuple[int, ...]:  # noqa: ANN401 - any message with the fields
        return tuple(self.one(name, getattr(dimensions, name)) for name in DIMENSIONS)

    def one(self, name: str, value: str) -> int:
        return self.known.setdefault((name, value), len(self.known) + 1) if value else 0


def folded(walk: Walk, ids: Ids) -> Fold:
    fold = Fold(ids.of, cohort_days)
    for position, event in enumerate(walk.events, start=1):
        fold.add(event_to_wire(event, datetime(2024, 3, 1, tzinfo=UTC)), 1, 0, position)
    return fold


def check(walk: Walk) -> None:
    ids = Ids()
    fold = folded(walk, ids)
    rows: list[dict[str, Any]] = [dict(zip(FACT_COLUMNS, row, strict=True)) for row in fold.facts]
    net: Counter[tuple[int | None, ...]] = Counter()
    for row in rows:
        known = (row["type"], row["day"], row["town_code"], row["concluding"], row["opening"], row["accepted_on"])
        net[(*known, row["mediator_id"], row["outcome_form"])] += row["sign"]
    epoch = datetime(1970, 1, 1, tzinfo=UTC).date()
    stands = Counter(
        (
            int(COUNTED[fact.type.value]),
            (fact.business_day - epoch).days,
            ids.one("town_code", fact.dimensions.town_code),
            int(fact.conclusion_ordinal == 1),
            fact.reopen_seq,
            (fact.cohort.accepted_on - epoch).days if fact.cohort.accepted_on else None,
            ids.one("mediator_id", fact.dimensions.mediator_id),
            ids.one("outcome_form", fact.dimensions.outcome_form),
        )
        for fact in walk.state.counted
        if fact.type.value in COUNTED
    )
    assert {key: count for key, count in net.items() if count} == dict(stands)
    openness(walk, fold, ids)


def openness(walk: Walk, fold: Fold, ids: Ids) -> None:
    """What is open is 0 or 1, and stands where the dispute stands now."""
    here = ids.one("town_code", walk.state.dimensions.town_code)
    for town in {key[5] for key in fold.cells}:
        counts: Counter[tuple[str, int]] = Counter()
        for (_, _, measure, _, _, where), count in fold.cells.items():
            if where == town:
                counts["court", measure] += count
        rates = {metric.name: rate_of(counts, metric, "all") for metric in METRICS}
        if town != here:
            assert all((rate.numerator, rate.denominator, rate.open) == (0, 0, 0) for rate in rates.values())
            continue
        kinds = {event.type for event in walk.events if event.reopen_seq == 0}
        accepted, concluded = EventKind.ACCEPTED in kinds, bool(CONCLUDED & kinds)
        assert rates["success"].denominator == int(accepted) + walk.state.reopen_seq
        unconcluded = sum(
            not CONCLUDED & {event.type for event in walk.events if event.reopen_seq == opening}
            for opening in range(walk.state.reopen_seq + 1)
        )
        assert rates["success"].open == (unconcluded if accepted else 0)
        decided = accepted or concluded or EventKind.MEDIATION_REFUSED in kinds
        assert rates["diversion"].open == int(not decided and walk.state.state is not State.DUPLICATE)


@pytest.mark.parametrize("state", list(PATHS))
def test_every_state_counts_what_the_dispute_says(state: State) -> None:
    walk = reach(state)
    check(walk)
    if attempt(walk, MOVES[0]):
        check(walk)


def figures(walk: Walk) -> tuple[int, int, int]:
    """Numerator, denominator and open of the success rate, which is the resolution rate of the channel too."""
    counts: Counter[tuple[str, int]] = Counter()
    for (_, _, measure, *_), count in folded(walk, Ids()).cells.items():
        counts["court", measure] += count
    rates = {metric.name: rate_of(counts, metric, "court") for metric in METRICS}
    assert (rates["diversion"].numerator, rates["diversion"].denominator) == (1, 1)
    success, resolution = ((rates[name].numerator, rates[name].denominator) for name in ("success", "resolution"))
    assert success == resolution
    return (*success, rates["success"].open)


def test_a_relapse_is_a_further_opening_to_be_settled() -> None:
    """Success counts openings: otherwise a dispute that relapses and is settled again would be two out of one."""
    walk = reach(State.CLOSED)
    assert figures(walk) == (1, 1, 0)
    walk.do(Reopen(ReopenReason.NEW_CALL), at=START + timedelta(days=60))
    assert figures(walk) == (1, 2, 1)
    walk.do(MOVES[0], at=START + timedelta(days=61))
    assert figures(walk) == (1, 2, 1)
    walk.do(Agree(OutcomeForm.SELF_SETTLED), at=START + timedelta(days=62))
    assert figures(walk) == (2, 2, 0)
    assert figures(walk.do(MOVES[1], at=START + timedelta(days=63))) == (2, 2, 0)


def test_a_refused_dispute_that_is_withdrawn_is_decided_once() -> None:
    walk = reach(State.NOT_MEDIABLE).do(Withdraw(WithdrawReason.APPLICANT_WITHDREW), at=START)
    check(walk)
    check(walk.do(MOVES[0], at=START))


def test_withdrawn_before_acceptance_is_decided() -> None:
    walk = reach(State.SCREENING).do(Withdraw(WithdrawReason.APPLICANT_WITHDREW), at=START)
    check(walk)
    assert {key[2] for key in folded(walk, Ids()).cells} & set(CohortCount) == {CohortCount.DECIDED}


def attempt(walk: Walk, instruction: Instruction, after_days: int = 0) -> bool:
    try:
        walk.do(instruction, at=START + timedelta(days=after_days))
    except Rejected:
        return False
    return True


@given(st.lists(st.sampled_from(["move0", "move1", "reopen", *(state.value for state in PATHS)]), max_size=12))
def test_moves_and_relapses_in_any_order(steps: list[str]) -> None:
    walk = reach(State.REGISTERED)
    for day, step in enumerate(steps):
        if step == "reopen":
            attempt(walk, Reopen(ReopenReason.NEW_CALL, Colour.RED), day)
        elif step.startswith("move"):
            attempt(walk, MOVES[int(step[-1])], day)
        else:
            for instruction in PATHS[State(step)][1:]:
                attempt(walk, instruction, day)
        check(walk)
