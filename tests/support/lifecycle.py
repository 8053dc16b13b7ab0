"""Builders of disputes for tests of the machine: how to bring a dispute into each state, by commands only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from dispute.lifecycle import (
    Accept,
    Actor,
    Agree,
    ApplyForConfirmation,
    BeginFollowUp,
    BeginMediation,
    BeginScreening,
    Channel,
    Clarity,
    Close,
    Command,
    DateName,
    Dimensions,
    Dispatch,
    DispatchMode,
    Dispute,
    Event,
    EventKind,
    Extend,
    Extension,
    Fail,
    FailureReason,
    Instruction,
    Level,
    Limit,
    Link,
    MadeBy,
    MediationKind,
    OutcomeForm,
    ProvisionalDate,
    RecordPerformance,
    RecordRuling,
    Refer,
    ReferTarget,
    RefuseMediation,
    Regime,
    Register,
    Resume,
    ReturnToSource,
    Role,
    Sign,
    Span,
    State,
    Suspend,
    SuspendReason,
    Track,
    TrackReason,
    Withdraw,
    WithdrawReason,
    decide,
    dispute_id_of,
    event_id_of,
    evolve,
)
from dispute.lifecycle.effects import retraction
from dispute.lifecycle.event_types import DuplicateLinked
from hub.errors import Refusal

START: Final = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
"""A Friday, 10:00 in Shanghai."""
TODAY: Final = date(2024, 3, 1)
DUE: Final = TODAY + timedelta(days=30)
DIGEST: Final = "ab" * 32
ORGAN: Final = "court-620725"
REF: Final = "（2024）甘0725诉前调1号"
DIMENSIONS: Final = Dimensions(
    channel=Channel.COURT,
    source_organ=ORGAN,
    county_code="620725",
    town_code="620725101",
    village_code="620725101001",
    grid_code="g-101-1",
    category="0806",
    case_cause="民间借贷纠纷",
    regime=Regime.A,
)

REGISTER: Final = Register(DIMENSIONS, TODAY, REF)
ACCEPT: Final = Accept(Clarity.CLEAR, Clarity.FAIRLY_CLEAR, consent_of_all=True, rule_version="2024-1")
DISPATCH: Final = Dispatch("justice-bureau", ("police-station",), Level.VILLAGE, DispatchMode.ASSIGNED, due_on=DUE)
BEGIN: Final = BeginMediation(
    "m-17",
    MediationKind.PEOPLE,
    parties_accepted_mediator=True,
    no_conflict_of_interest=True,
    rights_notice_given=True,
)
AGREE: Final = Agree(
    OutcomeForm.AGREEMENT,
    signed_by_all=True,
    made_by=MadeBy.PEOPLE_COMMITTEE,
    amount_fen=120_000,
    document_sha256=DIGEST,
    confirmable=True,
    confirm_by=date(2024, 4, 1),
)
CLOSE: Final = Close("r-2", result_reported=True, satisfied_or_explained=True, relapse_sign=False)
FOLLOW_UP: Final = BeginFollowUp(TODAY + timedelta(days=7))

EXTENSION: Final = Extension(30, "特邀调解规定 27")
"""What the rules of these tests grant, again and again."""

MEDIATING: Final[tuple[Instruction, ...]] = (REGISTER, BeginScreening(), ACCEPT, DISPATCH, Sign(), BEGIN)
AGREED: Final = (*MEDIATING, AGREE)
PATHS: Final[dict[State, tuple[Instruction, ...]]] = {
    State.REGISTERED: (REGISTER,),
    State.SCREENING: (REGISTER, BeginScreening()),
    State.NOT_MEDIABLE: (REGISTER, BeginScreening(), RefuseMediation("special_procedure", "民诉解释(2022) 143")),
    State.ACCEPTED: MEDIATING[:3],
    State.DISPATCHED: MEDIATING[:4],
    State.SIGNED: MEDIATING[:5],
    State.MEDIATING: MEDIATING,
    State.SUSPENDED: (*MEDIATING, Suspend(SuspendReason.APPRAISAL)),
    State.AGREED: AGREED,
    State.JC_PENDING: (*AGREED, ApplyForConfirmation(jointly=True)),
    State.JC_CONFIRMED: (*AGREED, ApplyForConfirmation(jointly=True), RecordRuling(confirmed=True)),
    State.JC_REFUSED: (*AGREED, ApplyForConfirmation(jointly=True), RecordRuling(confirmed=False, reason_code="title")),
    State.PERFORMED: (*AGREED, RecordPerformance(DIGEST)),
    State.FAILED: (*MEDIATING, Fail(FailureReason.DEADLOCK)),
    State.WITHDRAWN: (*MEDIATING, Withdraw(WithdrawReason.APPLICANT_WITHDREW)),
    State.RETURNED: (*MEDIATING, Fail(FailureReason.DEADLOCK), ReturnToSource(Channel.COURT, DIGEST)),
    State.REFERRED: (*MEDIATING, Fail(FailureReason.DEADLOCK), Refer(ReferTarget.ARBITRATION, told_in_writing=True)),
    State.FOLLOW_UP: (*AGREED, FOLLOW_UP),
    State.TRACKING: (*AGREED, FOLLOW_UP, Track(TrackReason.RESENTFUL)),
    State.CLOSED: (*AGREED, FOLLOW_UP, CLOSE),
}
"""A lawful way into each state, from the registration on; earlier releases alone led into `duplicate`."""
MASTER: Final = dispute_id_of(ORGAN, "another")
LINKED: Final[tuple[Instruction, ...]] = (REGISTER, Link(MASTER), *MEDIATING[1:3])
"""Linked to another dispute, and accepted all the same."""


def command(
    instruction: Instruction,
    *,
    at: datetime = START,
    role: Role = Role.CLERK,
    actor: str = "a-1",
    ref: str = REF,
    organ: str = ORGAN,
    expected: int = 0,
) -> Command:
    """Return a command on the dispute of `organ` and `ref`."""
    return Command(
        command_id=f"{type(instruction).__name__}@{at.isoformat()}",
        dispute_id=dispute_id_of(organ, ref),
        actor=Actor(role, actor),
        occurred_at=at,
        instruction=instruction,
        expected_sequence=expected,
        limit=agreeing(instruction),
    )


def agreeing(instruction: Instruction, extension: Extension = EXTENSION) -> Limit:
    """Return what intake says of an instruction whose last day is the calendar's."""
    match instruction:
        case Extend(due_on=last_day):
            return Limit(last_day, extension.clause, extension)
        case Resume(due_on=last_day) | Agree(confirm_by=last_day):
            return Limit(last_day)
        case _:
            return Limit()


def registration(channel: Channel) -> Register:
    """Return a registration through `channel`, of the same organ and reference as `REGISTER`."""
    regime = Regime.A if channel is Channel.COURT else Regime.NONE
    return replace(REGISTER, dimensions=replace(DIMENSIONS, channel=channel, regime=regime))


def mark_of(name: DateName, day: date) -> ProvisionalDate:
    """Return the mark of a date that was counted 30 days from `TODAY`, without the table of its year."""
    return ProvisionalDate(name, day, TODAY, (Span(30),), day.year)


def decided(dispute: Dispute | None, given: Command) -> tuple[Event, ...]:
    """Return the events of a command; raises its refusal."""
    outcome = decide(dispute, given)
    if isinstance(outcome, Refusal):
        raise outcome.error()
    return outcome


def refused(dispute: Dispute | None, given: Command) -> Refusal:
    """Return the refusal of a command."""
    outcome = decide(dispute, given)
    assert isinstance(outcome, Refusal), outcome
    return outcome


class Walk:
    """A dispute and everything that happened to it.

    Attributes:
        dispute: State after the last command that was carried out; None before the first.
        events: Every event so far.
    """

    def __init__(self, *instructions: Instruction) -> None:
        self.dispute: Dispute | None = None
        self.events: list[Event] = []
        self.all(instructions)

    @property
    def state(self) -> Dispute:
        """The dispute, which is registered."""
        assert self.dispute is not None
        return self.dispute

    @property
    def last(self) -> Event:
        """The newest event."""
        return self.events[-1]

    def do(
        self,
        instruction: Instruction,
        *,
        at: datetime = START,
        role: Role = Role.CLERK,
        actor: str = "a-1",
        counted: tuple[ProvisionalDate, ...] = (),
        limit: Limit | None = None,
    ) -> Walk:
        """Carry out one instruction.

        Args:
            instruction: What to do.
            at: When.
            role: Whose.
            actor: Who.
            counted: Its dates that were counted without a holiday table.
            limit: What intake says of its last day; that it agrees, when there is none.
        """
        ordered = replace(command(instruction, at=at, role=role, actor=actor), counted=counted)
        return self.carry_out(ordered if limit is None else replace(ordered, limit=limit))

    def carry_out(self, given: Command) -> Walk:
        """Carry out one command."""
        for event in decided(self.dispute, given):
            assert type(event.payload) is event.type.payload
            self.take(event)
        return self

    def take(self, event: Event) -> Walk:
        """Take an event as it stands in the journal."""
        self.dispute = evolve(self.dispute, event)
        self.events.append(event)
        return self

    def all(self, instructions: Sequence[Instruction]) -> Walk:
        """Carry out many instructions."""
        for instruction in instructions:
            self.do(instruction)
        return self


def merged(walk: Walk) -> Walk:
    """Link a registered dispute as earlier releases did: it ended there, and what was counted was taken back."""
    of = walk.last
    taken = tuple(retraction(fact) for fact in walk.state.counted)
    number = walk.state.sequence + 1
    return walk.take(
        replace(
            of,
            sequence=number,
            event_id=event_id_of(of.dispute_id, number),
            type=EventKind.DUPLICATE_LINKED,
            transition="T2",
            from_state=of.to_state,
            to_state=State.DUPLICATE,
            retracts=taken,
            payload=DuplicateLinked(MASTER),
            source_ref="",
        )
    )


def payload_of(event: Event) -> Any:  # noqa: ANN401 - each type has a payload of its own
    """Return the payload of an event, for looking at its fields."""
    return event.payload


def reach(state: State, start: Register = REGISTER) -> Walk:
    """Return a dispute brought into `state`; the court's own exits need the court channel."""
    if state is State.DUPLICATE:
        return merged(Walk(start))
    return Walk(start, *PATHS[state][1:])
