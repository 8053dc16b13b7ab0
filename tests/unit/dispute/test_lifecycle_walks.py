"""Random walks through the machine: what holds after every command, whatever came before."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dispute.lifecycle import (
    TRANSITIONS,
    BeginFollowUp,
    BeginScreening,
    Channel,
    Fail,
    FailureReason,
    Instruction,
    Link,
    RecordNonPerformance,
    RecordRuling,
    RecordVisit,
    Refer,
    ReferTarget,
    RefuseMediation,
    Remedy,
    ReturnToSource,
    Role,
    State,
    Supervise,
    Supervision,
    Track,
    TrackReason,
)
from tests.support.lifecycle import (
    CLOSE,
    DIGEST,
    MASTER,
    TODAY,
    Walk,
    registration,
)
from tests.support.walks import (
    ALARMS,
    BY_TYPE,
    DAY,
    INSTRUCTIONS,
    LIMITS,
    allowed_in,
    figures_add_up,
    holds,
    is_kept_whole,
    nothing_counts_twice,
    some,
    tried,
)

EXAMPLES = settings().max_examples
"""Of the profile in use: a walk wants more of them than a table."""


@settings(max_examples=2 * EXAMPLES)
@given(
    channel=st.sampled_from(Channel),
    steps=st.lists(
        st.tuples(
            INSTRUCTIONS,
            st.integers(-1, 70),
            st.sampled_from([Role.MEDIATOR, Role.LEADER]),
            st.sampled_from([False, False, False, True]),
        ),
        max_size=80,
    ),
)
def test_random_walks(channel: Channel, steps: list[tuple[Instruction, int, Role, bool]]) -> None:
    start = replace(registration(channel), statutory_due_on=TODAY + 60 * DAY, local_due_on=TODAY + 30 * DAY)
    walk = Walk(start)
    holds(None, walk)
    for instruction, after, role, too_late in steps:
        before = walk.dispute
        if tried(walk, instruction, after, role, too_late=too_late):
            holds(before, walk)
    figures_add_up(walk)
    nothing_counts_twice(walk)
    is_kept_whole(walk)


@settings(max_examples=EXAMPLES * 3 // 2)
@given(data=st.data(), channel=st.sampled_from(Channel))
def test_deep_walks_take_only_what_the_table_allows(data: st.DataObject, channel: Channel) -> None:
    """Choose among instructions that the present state allows, so that walks reach every corner."""
    walk = Walk(registration(channel))
    for _ in range(data.draw(st.integers(0, 40))):
        kinds = allowed_in({walk.state.state})
        if not kinds:
            break
        instruction = data.draw(BY_TYPE[data.draw(st.sampled_from(kinds))])
        before = walk.dispute
        if tried(walk, instruction, data.draw(st.integers(0, 40)), Role.LEADER):
            holds(before, walk)
    figures_add_up(walk)
    nothing_counts_twice(walk)
    is_kept_whole(walk)


@settings(max_examples=2 * EXAMPLES)
@given(
    data=st.data(),
    channel=st.sampled_from(Channel),
    way=st.sampled_from(ALARMS),
    beside=st.lists(st.tuples(st.sampled_from(LIMITS), some(Supervision)), max_size=4),
)
def test_late_walks_take_back_whole_what_they_take_back(
    data: st.DataObject,
    channel: Channel,
    way: tuple[tuple[Instruction, ...], Instruction],
    beside: list[tuple[str, Supervision]],
) -> None:
    """After an alarm, or a shared outcome, choose among instructions of the state now and of the states before."""
    path, event = way
    start = replace(registration(channel), statutory_due_on=TODAY + 60 * DAY, local_due_on=TODAY + 30 * DAY)
    walk = Walk(start, *path[1:], Link(MASTER))
    for limit, rung in beside:
        tried(walk, Supervise(rung, limit), data.draw(st.integers(0, 31)), Role.SYSTEM)
    assert tried(walk, event, 31, Role.SYSTEM)
    for _ in range(data.draw(st.integers(0, 12))):
        states = {walk.state.state, *(each.before.state for each in walk.state.checkpoints)}
        instruction = data.draw(BY_TYPE[data.draw(st.sampled_from(allowed_in(states)))])
        before = walk.dispute
        after = data.draw(st.integers(0, 45))
        if tried(walk, instruction, after, Role.LEADER, too_late=data.draw(st.integers(0, 9)) == 0):
            holds(before, walk)
    figures_add_up(walk)
    nothing_counts_twice(walk)
    is_kept_whole(walk)


def ways_out() -> list[Instruction]:
    """What a helpful clerk would try next, in order, to bring a dispute to its end."""
    back = ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True)
    return [
        CLOSE, Track(TrackReason.MAY_BLOW_UP), RecordVisit(clean=True),
        BeginScreening(), RefuseMediation("special_procedure"), back,
        Refer(ReferTarget.DISCIPLINE_INSPECTION, told_in_writing=True), Fail(FailureReason.REFUSED),
        RecordRuling(confirmed=False, reason_code="title"), RecordNonPerformance(Remedy.ENFORCEMENT),
        BeginFollowUp(TODAY + 90 * DAY),
    ]  # fmt: skip


@settings(max_examples=2 * EXAMPLES)
@given(
    channel=st.sampled_from(Channel),
    steps=st.lists(st.tuples(INSTRUCTIONS, st.integers(0, 70)), max_size=50),
)
def test_from_everywhere_an_end_can_be_reached(channel: Channel, steps: list[tuple[Instruction, int]]) -> None:
    walk = Walk(registration(channel))
    for instruction, after in steps:
        tried(walk, instruction, after, Role.MEDIATOR)
    for _ in range(15):
        if walk.state.state is State.CLOSED:
            break
        assert any(tried(walk, way, 80, Role.CLERK) for way in ways_out()), walk.state
    assert walk.state.state is State.CLOSED


@pytest.mark.parametrize("state", sorted(set(State) - {State.DUPLICATE}))
def test_every_state_has_a_way_on(state: State) -> None:
    assert any(state in row.sources and row.target not in {None, state} for row in TRANSITIONS)
