"""Random walks through the machine: what holds after every command, whatever came before."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dispute.lifecycle import (
    CORRECTABLE,
    ENDS,
    TRANSITIONS,
    Accept,
    Agree,
    ApplyForConfirmation,
    BeginFollowUp,
    BeginMediation,
    BeginScreening,
    Bounce,
    ChangeColour,
    Channel,
    Close,
    Colour,
    CountedFact,
    Dimensions,
    Dispatch,
    DispatchMode,
    Dispute,
    EscalateLevel,
    Event,
    EventKind,
    Extend,
    Fail,
    FailureReason,
    Instruction,
    Level,
    LinkDuplicate,
    MadeBy,
    Milestone,
    OutcomeForm,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RecordVisit,
    Refer,
    ReferTarget,
    RefuseMediation,
    Remedy,
    Reopen,
    ReopenReason,
    Resume,
    Retraction,
    ReturnToSource,
    Role,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    Track,
    TrackReason,
    Withdraw,
    WithdrawReason,
    dispute_id_of,
    replay,
)
from dispute.refusals.commands import COMMANDS
from hub.errors import Rejected
from tests.support.lifecycle import (
    ACCEPT,
    BEGIN,
    CLOSE,
    DIGEST,
    DUE,
    ORGAN,
    START,
    TODAY,
    Walk,
    command,
    registration,
)

DAY = timedelta(days=1)
EXAMPLES = settings().max_examples
"""Of the profile in use: a walk wants more of them than a table."""
Code = TypeVar("Code", bound=StrEnum)
LED = frozenset({State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
"""States that only a dispatched dispute can be in."""

yes = st.sampled_from([True, True, True, False])
days = st.integers(-2, 90).map(lambda number: TODAY + number * DAY)
digests = st.sampled_from([DIGEST, DIGEST, "", "nonsense"])
departments = st.sampled_from(["one", "two", "three", ""])


def some(kind: type[Code]) -> st.SearchStrategy[Code]:
    return st.sampled_from(kind)


BY_TYPE: dict[type, st.SearchStrategy[Instruction]] = {
    LinkDuplicate: st.just(LinkDuplicate(dispute_id_of(ORGAN, "another"))),
    BeginScreening: st.just(BeginScreening()),
    RefuseMediation: st.builds(RefuseMediation, st.sampled_from(["special_procedure", "whistle_blowing", ""])),
    Accept: st.builds(replace, st.just(ACCEPT), consent_of_all=yes),
    Dispatch: st.builds(
        Dispatch,
        lead_department=departments,
        co_departments=st.lists(departments, max_size=2).map(tuple),
        level=some(Level),
        dispatch_mode=some(DispatchMode),
        due_on=st.one_of(st.none(), days),
    ),
    Sign: st.builds(Sign, st.one_of(st.none(), days)),
    Bounce: st.builds(Bounce, st.sampled_from(["not_our_duty", "sign_off_expired"])),
    BeginMediation: st.builds(replace, st.just(BEGIN), parties_accepted_mediator=yes),
    EscalateLevel: st.builds(EscalateLevel, departments, st.just("deadlock")),
    Suspend: st.builds(Suspend, some(SuspendReason)),
    Resume: st.builds(Resume, st.one_of(st.none(), days)),
    Extend: st.builds(Extend, yes, st.just(30), st.sampled_from([DUE + 30 * DAY, DUE + 60 * DAY, TODAY + 90 * DAY])),
    Agree: st.builds(
        Agree, some(OutcomeForm), signed_by_all=yes, partial=st.booleans(), made_by=some(MadeBy), confirmable=yes
    ),
    Fail: st.builds(Fail, some(FailureReason)),
    Withdraw: st.builds(Withdraw, some(WithdrawReason)),
    ApplyForConfirmation: st.builds(ApplyForConfirmation, yes),
    RecordRuling: st.builds(RecordRuling, st.booleans(), st.just("title")),
    RecordPerformance: st.builds(RecordPerformance, digests),
    RecordNonPerformance: st.builds(RecordNonPerformance, some(Remedy)),
    ReturnToSource: st.builds(ReturnToSource, some(Channel), digests, yes),
    Refer: st.builds(Refer, some(ReferTarget), yes, yes),
    BeginFollowUp: st.builds(BeginFollowUp, st.one_of(st.none(), days)),
    Close: st.builds(Close, st.sampled_from(["r-2", "a-1"]), yes, yes, st.sampled_from([False, False, True])),
    Track: st.builds(Track, some(TrackReason)),
    RecordVisit: st.builds(RecordVisit, yes),
    Reopen: st.builds(Reopen, some(ReopenReason), some(Colour)),
    Supervise: st.builds(Supervise, some(Supervision)),
    ChangeColour: st.builds(ChangeColour, some(Colour), st.sampled_from(["threat", ""])),
    ReachMilestone: st.builds(ReachMilestone, some(Milestone)),
    Reclassify: st.builds(
        Reclassify,
        category=st.sampled_from(["", "0101", "0503"]),
        town_code=st.sampled_from(["", "620725102", "620725103"]),
        reason_code=st.just("clerk_error"),
    ),
    Rate: st.builds(Rate, st.sampled_from([-1, 0, 1, 2, 3])),
}
INSTRUCTIONS: st.SearchStrategy[Instruction] = st.one_of(*BY_TYPE.values())
ROW_OF = {row.id: row for row in TRANSITIONS}


def tried(walk: Walk, instruction: Instruction, after: int, role: Role) -> bool:
    """Try it; a refusal carries a listed code and changes nothing."""
    before, known = walk.dispute, len(walk.events)
    try:
        walk.carry_out(command(instruction, at=START + after * DAY, role=role))
    except Rejected as refusal:
        if refusal.code not in COMMANDS:
            raise
        assert (walk.dispute, len(walk.events)) == (before, known)
        return False
    return True


def holds(before: Dispute | None, walk: Walk) -> None:
    """Check what must hold after one event."""
    event, dispute = walk.last, walk.state
    row = ROW_OF[event.transition]
    assert event.from_state == (before.state if before else None)
    assert event.from_state in row.sources
    assert event.to_state is (row.target or event.from_state) is dispute.state
    assert event.type is row.kind
    assert event.sequence == len(walk.events) == dispute.sequence
    assert event.actor_id
    assert event.occurred_at.tzinfo is not None
    assert event.occurred_at >= dispute.registered_at
    assert event.causation_id
    assert event.correlation_id
    if dispute.state in LED:
        assert dispute.dimensions.lead_department
    assert dispute.dimensions.lead_department not in dispute.co_departments
    if dispute.dimensions.colour is Colour.RED:
        assert dispute.supervision is Supervision.ESCALATED
    if before is not None:
        dates_hold(before, event)


def dates_hold(before: Dispute, event: Event) -> None:
    old, new = before.cohort, event.cohort
    assert new.received_on == old.received_on
    assert new.local_due_on == old.local_due_on
    if event.transition != "T13b":
        assert new.statutory_due_on == old.statutory_due_on
    if before.term_runs and event.transition not in {"T12b", "T13a", "T27"}:
        assert new.due_on == old.due_on
    if event.type is not EventKind.REOPENED:
        assert old.agreed_on in {None, new.agreed_on}
        assert old.concluded_on in {None, new.concluded_on}


def fact_of(told: Event | Retraction, sequence: int) -> CountedFact:
    return CountedFact(
        told.type,
        told.business_day,
        told.dimensions,
        sequence,
        told.cohort,
        told.ordinal,
        told.conclusion_ordinal,
        told.reopen_seq,
    )


def corrected(dimensions: Dimensions) -> tuple[str, ...]:
    return tuple(getattr(dimensions, name) for name in CORRECTABLE)


def figures_add_up(walk: Walk) -> None:
    """What a reader sums from the events, of which a retraction is all it sees, is what the dispute says is counted."""
    sums: Counter[CountedFact] = Counter()
    kinds: Counter[EventKind] = Counter()
    for event in walk.events:
        for taken in event.retracts:
            fact = fact_of(taken, taken.sequence)
            sums[fact] -= 1
            assert sums[fact] == 0, "what is taken back was counted exactly so"
            assert taken.restated == (taken.restated_as is not None)
            if taken.restated_as is not None:
                sums[replace(fact, dimensions=taken.restated_as)] += 1
                assert corrected(taken.restated_as) == corrected(event.dimensions)
        if event.type.is_counted:
            sums[fact_of(event, event.sequence)] += 1
    assert {key: count for key, count in sums.items() if count} == Counter(walk.state.counted)
    assert [fact.sequence for fact in walk.state.counted] == sorted(fact.sequence for fact in walk.state.counted)
    for fact in walk.state.counted:
        kinds[fact.type] += fact.conclusion_ordinal in {0, 1}
        told = walk.events[fact.sequence - 1]
        history: dict[str, Any] = dict.fromkeys(CORRECTABLE, "")
        assert replace(fact.dimensions, **history) == replace(told.dimensions, **history)
        assert corrected(fact.dimensions) == corrected(walk.state.dimensions)
    openings = walk.state.reopen_seq + 1
    duplicate = walk.state.state is State.DUPLICATE
    assert kinds[EventKind.REGISTERED] == (0 if duplicate else 1)
    assert kinds[EventKind.ACCEPTED] <= 1
    assert kinds[EventKind.AGREED] + kinds[EventKind.FAILED] + kinds[EventKind.WITHDRAWN] <= openings
    assert kinds[EventKind.REOPENED] == walk.state.reopen_seq


@settings(max_examples=2 * EXAMPLES)
@given(
    channel=st.sampled_from(Channel),
    steps=st.lists(
        st.tuples(INSTRUCTIONS, st.integers(-1, 70), st.sampled_from([Role.MEDIATOR, Role.LEADER])), max_size=80
    ),
)
def test_random_walks(channel: Channel, steps: list[tuple[Instruction, int, Role]]) -> None:
    start = replace(registration(channel), statutory_due_on=TODAY + 60 * DAY, local_due_on=TODAY + 30 * DAY)
    walk = Walk(start)
    holds(None, walk)
    for instruction, after, role in steps:
        before = walk.dispute
        if tried(walk, instruction, after, role):
            holds(before, walk)
    figures_add_up(walk)
    assert replay(tuple(walk.events)) == walk.dispute


@settings(max_examples=EXAMPLES * 3 // 2)
@given(data=st.data(), channel=st.sampled_from(Channel))
def test_deep_walks_take_only_what_the_table_allows(data: st.DataObject, channel: Channel) -> None:
    """Choose among instructions that the present state allows, so that walks reach every corner."""
    walk = Walk(registration(channel))
    for _ in range(data.draw(st.integers(0, 40))):
        state = walk.state.state
        kinds = [
            kind for kind in BY_TYPE if any(row.instruction is kind and state in row.sources for row in TRANSITIONS)
        ]
        if not kinds:
            break
        instruction = data.draw(BY_TYPE[data.draw(st.sampled_from(kinds))])
        before = walk.dispute
        if tried(walk, instruction, data.draw(st.integers(0, 40)), Role.LEADER):
            holds(before, walk)
    figures_add_up(walk)
    assert replay(tuple(walk.events)) == walk.dispute


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
        if walk.state.state in {State.CLOSED, State.DUPLICATE}:
            break
        assert any(tried(walk, way, 80, Role.CLERK) for way in ways_out()), walk.state
    assert walk.state.state in {State.CLOSED, State.DUPLICATE}
    assert walk.state.state in ENDS


@pytest.mark.parametrize("state", sorted(set(State) - {State.DUPLICATE}))
def test_every_state_has_a_way_on(state: State) -> None:
    assert any(state in row.sources and row.target not in {None, state} for row in TRANSITIONS)
