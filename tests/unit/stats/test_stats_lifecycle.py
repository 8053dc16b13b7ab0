"""Real events of the lifecycle: the fold sums what the dispute says is counted, also after a move or a relapse."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispute.lifecycle import (
    Agree,
    BeginMediation,
    Channel,
    Colour,
    Dispatch,
    EventKind,
    Fail,
    FailureReason,
    Instruction,
    Limit,
    Link,
    OutcomeForm,
    Reclassify,
    RefuseMediation,
    Reopen,
    ReopenReason,
    Resubmit,
    ReturnToSource,
    State,
    Unlink,
    Withdraw,
    WithdrawReason,
    dispute_id_of,
)
from dispute.lifecycle.dispute import CountedFact
from dispute.lifecycle.own_commands import NoteUndocked, RequestInformation, ShareAgreement, ShareFailure
from hub.errors import Rejected
from services.stats.facts.fold import FACT_COLUMNS, Fold, cohort_days
from services.stats.facts.measures import COUNTED
from tests.support.lifecycle import DIGEST, ORGAN, PATHS, START, TODAY, Walk, reach
from tests.support.stats import EVER, Ids, folded_figures, journal_of, recounted_figures

ANOTHER = dispute_id_of(ORGAN, "another")
MOVES = [Reclassify(town_code=f"62072510{number}", reason_code="clerk_error") for number in (2, 3)]
EPOCH = date(1970, 1, 1)


def check(walk: Walk) -> None:
    """The rows that hold are the facts that the dispute counts, and every window's figures follow from them."""
    ids = Ids()
    fold = Fold(ids.of, cohort_days)
    for position, event in enumerate(journal_of([walk.events]), start=1):
        fold.add(event, 1, 0, position)
    rows: list[dict[str, Any]] = [dict(zip(FACT_COLUMNS, row, strict=True)) for row in fold.facts]
    net: Counter[tuple[int | None, ...]] = Counter()
    for row in rows:
        known = (row["type"], row["day"], row["town_code"], row["concluding"], row["opening"], row["accepted_on"])
        net[(*known, row["mediator_id"], row["outcome_form"])] += row["sign"]
    stands = Counter(
        (
            int(COUNTED[fact.type.value]),
            (counts_on(fact) - EPOCH).days,
            ids.one("town_code", fact.dimensions.town_code),
            int(fact.conclusion_ordinal == 1),
            fact.reopen_seq,
            (fact.cohort.accepted_on - EPOCH).days if fact.cohort.accepted_on else None,
            ids.one("mediator_id", fact.dimensions.mediator_id),
            ids.one("outcome_form", fact.dimensions.outcome_form),
        )
        for fact in walk.state.counted
        if fact.type.value in COUNTED
    )
    assert {key: count for key, count in net.items() if count} == dict(stands)
    days = sorted({counts_on(fact) for fact in walk.state.counted})
    for window in [EVER, *((day, day + timedelta(days=1)) for day in days)]:
        assert folded_figures([walk.events], window) == recounted_figures([walk.state], window)
    everything = folded_figures([walk.events])
    assert folded_figures([walk.events], town=walk.state.dimensions.town_code) == everything


def counts_on(fact: CountedFact) -> date:
    day = fact.cohort.received_on if fact.type is EventKind.LINKED else None
    return day or fact.business_day


@pytest.mark.parametrize("state", list(PATHS))
def test_every_state_counts_what_the_dispute_says(state: State) -> None:
    walk = reach(state)
    check(walk)
    if attempt(walk, MOVES[0]):
        check(walk)


def figures(walk: Walk) -> tuple[int, int, int]:
    """Numerator, denominator and open of the success rate, which is the resolution rate of the channel too."""
    found = folded_figures([walk.events])
    assert found["diversion"] == (1, 1, 0)
    assert found["success"] == found["resolution"]
    return found["success"]


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
    assert folded_figures([walk.events])["diversion"] == (0, 1, 0)


def attempt(walk: Walk, instruction: Instruction, after_days: int = 0) -> bool:
    at = START + timedelta(days=after_days)
    limit = Limit(TODAY + timedelta(days=60)) if isinstance(instruction, BeginMediation) else None
    if isinstance(instruction, Dispatch):
        instruction = replace(instruction, due_on=TODAY + timedelta(days=after_days + 30))
    try:
        walk.do(instruction, at=at, limit=limit)
    except Rejected:
        return False
    return True


STEPS: dict[str, tuple[Instruction, ...]] = {
    "move": (MOVES[0],),
    "move back": (MOVES[1],),
    "relapse": (Reopen(ReopenReason.NEW_CALL, Colour.RED),),
    "link": (Link(ANOTHER),),
    "unlink": (Unlink("another_matter"),),
    "share agreement": (ShareAgreement(ANOTHER, OutcomeForm.AGREEMENT),),
    "share failure": (ShareFailure(ANOTHER, "deadlock"),),
    "undock": (NoteUndocked("harassment"),),
    "ask": (RequestInformation(("consent_missing",), TODAY + timedelta(days=7)),),
    "wait is over": (RefuseMediation("consent_missing", waited=True),),
    "term is over": (Fail(FailureReason.TERM_EXPIRED),),
    "send back": (ReturnToSource(Channel.COURT, DIGEST),),
    **{state.value: path[1:] for state, path in PATHS.items()},
}
SOME_DAYS = st.integers(0, 80)


@given(st.lists(st.tuples(st.sampled_from([*STEPS, "again"]), SOME_DAYS), max_size=14))
def test_whatever_happens_in_whatever_order_is_counted_as_the_dispute_says(steps: list[tuple[str, int]]) -> None:
    """Also late: the days are in no order."""
    walk = reach(State.REGISTERED)
    for step, day in steps:
        again = Resubmit(walk.state.round + 1, TODAY + timedelta(days=max(0, day - 2)))
        for instruction in (again,) if step == "again" else STEPS[step]:
            attempt(walk, instruction, day)
        check(walk)
