"""Instructions to one dispute: command.proto's, and the list of all."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, TypeAlias, get_args

from msgspec import Struct

from dispute.lifecycle.limits import NO_LIMIT, Limit
from dispute.lifecycle.own_commands import OwnInstruction
from dispute.lifecycle.provisional import ProvisionalDate, SettleDueDates
from dispute.lifecycle.vocabulary import (
    Channel,
    Clarity,
    Colour,
    DispatchMode,
    FailureReason,
    Level,
    MadeBy,
    MediationKind,
    Milestone,
    OutcomeForm,
    Penalty,
    ReferTarget,
    Remedy,
    ReopenReason,
    Role,
    Supervision,
    SuspendReason,
    TrackReason,
    WithdrawReason,
)


class Actor(Struct, frozen=True):
    """The person or system that acts, pseudonymous."""

    role: Role
    actor_id: str


class Link(Struct, frozen=True):
    """L1: links to the first dispute of the matter; this one goes on by itself.

    Attributes:
        master_dispute_id: Dispute that stays the first of its matter.
        score: Points of the match; 0 when a person links.
        reasons: What the points were given for.
    """

    master_dispute_id: str
    score: int = 0
    reasons: tuple[str, ...] = ()


class Unlink(Struct, frozen=True):
    """L2: undoes the link, and what was shared by it."""

    reason_code: str


class DeclineLink(Struct, frozen=True):
    """L4: declines a proposed link."""

    candidate_dispute_id: str


class BeginScreening(Struct, frozen=True):
    """T3: begins the screening, automatically after registration."""


class RefuseMediation(Struct, frozen=True):
    """T4: not mediable, or without consent; `waited` when the wait is over."""

    reason_code: str
    clause: str = ""
    rule_version: str = ""
    waited: bool = False


class Accept(Struct, frozen=True):
    """T5: relation and facts fairly clear, consent of all."""

    relation_clarity: Clarity
    facts_clarity: Clarity
    consent_of_all: bool
    rule_version: str = ""
    clause: str = ""
    transitional: bool = False


class Dispatch(Struct, frozen=True):
    """T7: dispatches to one lead department, lowest level first.

    `due_on` has no effect once the term runs.
    """

    lead_department: str
    co_departments: tuple[str, ...] = ()
    level: Level = Level.NONE
    dispatch_mode: DispatchMode = DispatchMode.NONE
    organisation: str = ""
    mediation_kind: MediationKind = MediationKind.NONE
    sign_by: datetime | None = None
    due_on: date | None = None


class Sign(Struct, frozen=True):
    """T8: the handler signs; an opening's first signature starts the term."""

    due_on: date | None = None


class Bounce(Struct, frozen=True):
    """T9: returns it to the dispatcher: not responsible, or overdue."""

    reason_code: str


class BeginMediation(Struct, frozen=True):
    """T10, T18: begins mediation, also after a refused confirmation."""

    mediator_id: str
    mediation_kind: MediationKind
    parties_accepted_mediator: bool
    no_conflict_of_interest: bool
    rights_notice_given: bool


class EscalateLevel(Struct, frozen=True):
    """T11: moves one level up; the due date stays."""

    lead_department: str
    reason_code: str


class Suspend(Struct, frozen=True):
    """T12: suspends the mediation."""

    reason_code: SuspendReason


class Resume(Struct, frozen=True):
    """T12: resumes; `due_on` is set exactly when the clock was stopped."""

    due_on: date | None = None


class Extend(Struct, frozen=True):
    """T13: extends a limit."""

    consent_of_all: bool
    days: int
    due_on: date | None = None


class Agree(Struct, frozen=True):
    """T14: records an agreement.

    Attributes:
        subjects: What it is about: debt, title, status …; empty when not told.
        severable: Only a part of it may be confirmed, and a person decides which; intake's own, never on the wire.
    """

    outcome_form: OutcomeForm
    signed_by_all: bool = False
    partial: bool = False
    oral_recorded: bool = False
    made_by: MadeBy = MadeBy.NONE
    amount_fen: int = 0
    document_sha256: str = ""
    confirmable: bool = False
    confirm_by: date | None = None
    subjects: tuple[str, ...] = ()
    severable: bool = False


class Fail(Struct, frozen=True):
    """T15: ends mediation without agreement."""

    reason_code: FailureReason


class Withdraw(Struct, frozen=True):
    """T16: withdraws without settlement; a settlement is an agreement."""

    reason_code: WithdrawReason


class ApplyForConfirmation(Struct, frozen=True):
    """T17: applies for judicial confirmation.

    Attributes:
        jointly: Both sides together.
        severed_part: Only of the part that a reviewer found to be open to it.
    """

    jointly: bool
    severed_part: bool = False


class RecordRuling(Struct, frozen=True):
    """T18: records the ruling on confirmation."""

    confirmed: bool
    reason_code: str = ""


class RecordPerformance(Struct, frozen=True):
    """T19: records performance.

    Attributes:
        evidence_sha256: Hex digest of the evidence.
        written_request: The parties asked in writing that no penalty follows (police).
        police_approved: The police approved it.
        penalty: What follows for the penalty; counted by the rules, never on the wire.
    """

    evidence_sha256: str
    written_request: bool = False
    police_approved: bool = False
    penalty: Penalty = Penalty.NONE


class RecordNonPerformance(Struct, frozen=True):
    """T20: records non-performance."""

    target: Remedy


class ReturnToSource(Struct, frozen=True):
    """T6, T18, T21: returns to the source, or to the court for a suit."""

    target: Channel
    packet_sha256: str = ""
    party_elected_suit: bool = False


class Refer(Struct, frozen=True):
    """T6, T22: refers to another statutory route."""

    target: ReferTarget
    told_in_writing: bool
    party_elected_suit: bool = False


class BeginFollowUp(Struct, frozen=True):
    """T23: plans the follow-up visit."""

    visit_on: date | None


class Close(Struct, frozen=True):
    """T24, T26: strikes the dispute off; needs two persons."""

    reviewer_id: str
    result_reported: bool
    satisfied_or_explained: bool
    relapse_sign: bool


class Track(Struct, frozen=True):
    """T25: keeps the dispute under watch."""

    reason_code: TrackReason


class RecordVisit(Struct, frozen=True):
    """V1: records a visit in follow-up or tracking."""

    clean: bool


class Reopen(Struct, frozen=True):
    """T27: opens the dispute again; `Colour.NONE` keeps the colour."""

    reason_code: ReopenReason
    colour: Colour = Colour.NONE


class Supervise(Struct, frozen=True):
    """O1: changes the level of supervision.

    Attributes:
        rung: New level.
        limit: Limit that was missed or draws near; empty when a person changes the level.
    """

    rung: Supervision
    limit: str = ""


class ChangeColour(Struct, frozen=True):
    """O2: changes the warning colour.

    Attributes:
        colour: New colour.
        reason_code: Why.
        clause: Clause of the rule that gave it; empty when a person changes it.
    """

    colour: Colour
    reason_code: str
    clause: str = ""


class ReachMilestone(Struct, frozen=True):
    """M1: records a petition milestone."""

    milestone: Milestone


class Reclassify(Struct, frozen=True):
    """C1: corrects counted dimensions; an empty field keeps its value."""

    category: str = ""
    case_cause: str = ""
    town_code: str = ""
    village_code: str = ""
    grid_code: str = ""
    reason_code: str = ""


class Rate(Struct, frozen=True):
    """R1: satisfaction, a code of `Satisfaction`; -1 when the invitation lapsed."""

    satisfaction: int


WireInstruction: TypeAlias = (
    Link
    | BeginScreening
    | RefuseMediation
    | Accept
    | Unlink
    | DeclineLink
    | Dispatch
    | Sign
    | Bounce
    | BeginMediation
    | EscalateLevel
    | Suspend
    | Resume
    | Extend
    | Agree
    | Fail
    | Withdraw
    | ApplyForConfirmation
    | RecordRuling
    | RecordPerformance
    | RecordNonPerformance
    | ReturnToSource
    | Refer
    | BeginFollowUp
    | Close
    | Track
    | RecordVisit
    | Reopen
    | Supervise
    | ChangeColour
    | ReachMilestone
    | Reclassify
    | Rate
)
LocalInstruction: TypeAlias = OwnInstruction | SettleDueDates
Instruction: TypeAlias = LocalInstruction | WireInstruction

WIRE_INSTRUCTIONS: Final[tuple[type, ...]] = get_args(WireInstruction)
"""Every instruction that has a message of its own."""
LOCAL_INSTRUCTIONS: Final[tuple[type, ...]] = get_args(LocalInstruction)
"""Instructions that only the hub itself gives."""
INSTRUCTIONS: Final[tuple[type, ...]] = (*LOCAL_INSTRUCTIONS, *WIRE_INSTRUCTIONS)


class Command(Struct, frozen=True):
    """One instruction to one dispute.

    Attributes:
        command_id: Key of repetition.
        dispute_id: Dispute.
        actor: Who acts.
        occurred_at: Aware; when it happened in the world.
        instruction: What to do.
        correlation_id: Links everything that one request causes; `command_id` when empty.
        expected_sequence: Refuse unless the dispute has this sequence; 0 is any.
        counted: Dates of the instruction that were counted without a holiday table; intake's own, never on the wire.
        limit: What the rules and the calendar give for the instruction's last day; never on the wire either.
    """

    command_id: str
    dispute_id: str
    actor: Actor
    occurred_at: datetime
    instruction: Instruction
    correlation_id: str = ""
    expected_sequence: int = 0
    counted: tuple[ProvisionalDate, ...] = ()
    limit: Limit = NO_LIMIT
