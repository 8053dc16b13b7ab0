"""Random walks of disputes: what may be tried, and what holds after every command, whatever came before."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from dispute.contracts.codec import event_from_wire, event_to_wire
from dispute.contracts.snapshot import state_from_bytes, state_to_bytes
from dispute.lifecycle import (
    CONCLUSIONS,
    CORRECTABLE,
    OVERLAYS,
    SIGN_OFF_EXPIRED,
    TRANSITIONS,
    Accept,
    Agree,
    Alarm,
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
    DeclineLink,
    Dimensions,
    Dispatch,
    DispatchMode,
    Dispute,
    EscalateLevel,
    Event,
    EventKind,
    Exclude,
    Extend,
    Fail,
    FailureReason,
    Instruction,
    Level,
    Link,
    MadeBy,
    Milestone,
    NoteUndocked,
    OutcomeForm,
    ProposeLink,
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
    RequestInformation,
    Resubmit,
    Resume,
    Retraction,
    ReturnToSource,
    Role,
    ShareAgreement,
    ShareFailure,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    Track,
    TrackReason,
    Unlink,
    Withdraw,
    WithdrawReason,
    dispute_id_of,
    end_of,
    replay,
)
from dispute.lifecycle.rewinding import checkpoint_at
from dispute.refusals.commands import COMMANDS
from hub.errors import Rejected
from tests.support.lifecycle import (
    ACCEPT,
    BEGIN,
    DIGEST,
    DISPATCH,
    DUE,
    MASTER,
    MEDIATING,
    ORGAN,
    START,
    TODAY,
    Walk,
    command,
)

DAY = timedelta(days=1)
Code = TypeVar("Code", bound=StrEnum)
LED = frozenset({State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
"""States that only a dispatched dispute can be in."""

yes = st.sampled_from([True, True, True, False])
days = st.integers(-2, 90).map(lambda number: TODAY + number * DAY)
digests = st.sampled_from([DIGEST, DIGEST, "", "nonsense"])
departments = st.sampled_from(["one", "two", "three", ""])


LIMITS = ("due_on", "local_due_on", "statutory_due_on", "sign_by", "screen_by", "met", "state")
OTHER = dispute_id_of(ORGAN, "a third one")


def some(kind: type[Code]) -> st.SearchStrategy[Code]:
    return st.sampled_from(kind)


BY_TYPE: dict[type, st.SearchStrategy[Instruction]] = {
    Link: st.sampled_from([Link(MASTER), Link(OTHER, 83, ("same_parties",))]),
    Unlink: st.builds(Unlink, st.sampled_from(["clerk_error", ""])),
    ProposeLink: st.sampled_from([ProposeLink(MASTER, 60), ProposeLink(OTHER, 55)]),
    DeclineLink: st.sampled_from([DeclineLink(MASTER), DeclineLink(OTHER)]),
    ShareAgreement: st.builds(ShareAgreement, st.just(MASTER), some(OutcomeForm), partial=st.booleans()),
    ShareFailure: st.just(ShareFailure(MASTER, FailureReason.DEADLOCK)),
    Exclude: st.just(Exclude("criminal_matter")),
    RequestInformation: st.builds(
        RequestInformation, st.sampled_from([("consent_missing",), ("facts_unclear",), ()]), st.one_of(st.none(), days)
    ),
    NoteUndocked: st.just(NoteUndocked("harassment_call")),
    Resubmit: st.builds(Resubmit, st.sampled_from([2, 2, 3]), days),
    BeginScreening: st.just(BeginScreening()),
    RefuseMediation: st.builds(
        RefuseMediation, st.sampled_from(["special_procedure", "whistle_blowing", ""]), waited=st.booleans()
    ),
    Accept: st.builds(replace, st.just(ACCEPT), consent_of_all=yes),
    Dispatch: st.builds(
        Dispatch,
        lead_department=departments,
        co_departments=st.lists(departments, max_size=2).map(tuple),
        level=some(Level),
        dispatch_mode=some(DispatchMode),
        sign_by=st.one_of(st.none(), days.map(end_of)),
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
    Supervise: st.builds(Supervise, some(Supervision), st.sampled_from(["", "", *LIMITS])),
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


def tried(walk: Walk, instruction: Instruction, after: int, role: Role, *, too_late: bool = False) -> bool:
    """Try it; a refusal carries a listed code and changes nothing."""
    before, known = walk.dispute, len(walk.events)
    told = command(instruction, at=START + after * DAY, role=role)
    anew = TODAY + 70 * DAY if isinstance(instruction, BeginMediation) else told.limit.last_day
    try:
        walk.carry_out(replace(told, limit=replace(told.limit, last_day=anew, too_late=too_late)))
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
    origin = event.from_state
    if before is not None and event.rewinds_to:
        origin = checkpoint_at(before, event.rewinds_to).before.state
    assert origin in row.sources
    assert event.to_state is (row.target or origin) is dispute.state
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
        overlays_stand(before, event)
    alarms_hold(dispute)


def dates_hold(before: Dispute, event: Event) -> None:
    old, new = before.cohort, event.cohort
    term_ran = before.term_runs
    if event.rewinds_to:
        standing = checkpoint_at(before, event.rewinds_to).before
        old, term_ran = standing.cohort, EventKind.SIGNED in dict(standing.ordinals)
    assert new.received_on == old.received_on
    assert new.local_due_on == old.local_due_on
    if event.transition != "T13b":
        assert new.statutory_due_on == old.statutory_due_on
    if term_ran and event.transition not in {"T10", "T10b", "T12b", "T13a", "T13c", "T18c", "T27", "T28"}:
        assert new.due_on == old.due_on
    if event.transition not in {"T10b", "T27", "T28"}:
        assert old.agreed_on in {None, new.agreed_on}
        assert old.concluded_on in {None, new.concluded_on}


def overlays_stand(before: Dispute, event: Event) -> None:
    """What stands beside the way of a dispute is taken back by what concerns it alone."""
    for taken in event.retracts:
        if taken.restated or taken.type not in OVERLAYS:
            continue
        if event.type is EventKind.NOT_DOCKED:
            continue
        if taken.type is EventKind.LINKED:
            assert event.type is EventKind.UNLINKED
            continue
        assert taken.type is EventKind.SUPERVISED
        told = next(alarm for alarm in known_alarms(before) if alarm.sequence == taken.sequence)
        assert event.occurred_at < told.at


def known_alarms(dispute: Dispute) -> tuple[Alarm, ...]:
    return (*dispute.alarms, *(alarm for each in dispute.checkpoints for alarm in each.before.alarms))


def alarms_hold(dispute: Dispute) -> None:
    """An alarm that stands is counted, and no limit has two of one level."""
    told = [(alarm.limit, alarm.rung) for alarm in dispute.alarms if alarm.limit]
    assert len(set(told)) == len(told)
    counted = {fact.sequence for fact in dispute.counted}
    assert {alarm.sequence for alarm in dispute.alarms} <= counted


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
    for event in walk.events:
        order = [taken.sequence for taken in event.retracts]
        assert order == sorted(set(order))
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
        told = walk.events[fact.sequence - 1]
        history: dict[str, Any] = dict.fromkeys(CORRECTABLE, "")
        assert replace(fact.dimensions, **history) == replace(told.dimensions, **history)
        assert corrected(fact.dimensions) == corrected(walk.state.dimensions)


def nothing_counts_twice(walk: Walk) -> None:
    """One registration, one link, and in each opening one acceptance and one row of conclusions."""
    kinds = Counter(fact.type for fact in walk.state.counted)
    undocked = {event.reopen_seq for event in walk.events if event.type is EventKind.NOT_DOCKED}
    assert kinds[EventKind.REGISTERED] == (0 not in undocked)
    linked = kinds[EventKind.LINKED]
    assert linked == bool(walk.state.master_dispute_id) or (undocked and not linked)
    openings = kinds[EventKind.REOPENED] + kinds[EventKind.RESUBMITTED]
    assert openings == walk.state.reopen_seq or (undocked and openings < walk.state.reopen_seq)
    for number in range(walk.state.reopen_seq + 1):
        facts = [fact for fact in walk.state.counted if fact.reopen_seq == number]
        assert sum(fact.type is EventKind.ACCEPTED for fact in facts) <= 1
        assert sum(fact.type is EventKind.CLOSED for fact in facts) <= 1
        concluded = [fact.conclusion_ordinal for fact in facts if fact.type in CONCLUSIONS]
        assert concluded == list(range(1, len(concluded) + 1))


def is_kept_whole(walk: Walk) -> None:
    """The events alone give the state, by the journal's messages too, and its snapshot byte for byte."""
    again = replay(tuple(walk.events))
    assert again == walk.state
    assert state_to_bytes(again) == state_to_bytes(walk.state)
    assert state_from_bytes(state_to_bytes(again)) == again
    for event in walk.events:
        assert event_from_wire(event_to_wire(event)) == replace(event, source_ref="")


def allowed_in(states: set[State]) -> list[type]:
    rows = [row.instruction for row in TRANSITIONS if not states.isdisjoint(row.sources)]
    return [kind for kind in BY_TYPE if kind in rows]


ALARMS: list[tuple[tuple[Instruction, ...], Instruction]] = [
    ((*MEDIATING[:5], BEGIN), Fail(FailureReason.TERM_EXPIRED)),
    (MEDIATING[:5], Fail(FailureReason.TERM_EXPIRED)),
    ((*MEDIATING[:3], replace(DISPATCH, sign_by=end_of(DUE))), Bounce(SIGN_OFF_EXPIRED)),
    ((*MEDIATING[:2], RequestInformation(("consent_missing",), DUE)), RefuseMediation("consent_missing", waited=True)),
    (MEDIATING, ShareAgreement(MASTER, OutcomeForm.AGREEMENT)),
    (MEDIATING[:5], ShareFailure(MASTER, FailureReason.DEADLOCK)),
]
"""A way to an event that may be taken back, and that event."""
