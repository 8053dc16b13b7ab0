"""Turns recorded events back into the instructions that caused them.

It is the inverse of the lifecycle's effects. What no event tells, the guards had let pass: signatures, consents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from msgspec.structs import replace

from dispute.lifecycle.commands import (
    Accept,
    Agree,
    ApplyForConfirmation,
    BeginFollowUp,
    BeginMediation,
    BeginScreening,
    Bounce,
    ChangeColour,
    Close,
    DeclineLink,
    Dispatch,
    EscalateLevel,
    Extend,
    Fail,
    Instruction,
    Link,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RecordVisit,
    Refer,
    RefuseMediation,
    Reopen,
    Resume,
    ReturnToSource,
    Sign,
    Supervise,
    Suspend,
    Track,
    Unlink,
    Withdraw,
)
from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.events import Event
from dispute.lifecycle.own_commands import Exclude, ProposeLink, ShareAgreement, ShareFailure, Unshare
from dispute.lifecycle.vocabulary import (
    CORRECTABLE,
    Clarity,
    FailureReason,
    Penalty,
    ReopenReason,
    Role,
    SuspendReason,
    TrackReason,
    WithdrawReason,
)

Asked = tuple[Instruction, Instruction]
"""What an event was asked by: with the dates open that the rules may have filled in, and with them as they were set."""


def asked_by(event: Event, dimensions: Dimensions, cohort: CohortDates) -> Asked | None:
    """Return what an event was asked by; None when only the hub itself, or a hand-over, causes such an event.

    Args:
        event: What happened.
        dimensions: Before it.
        cohort: Dates before it.
    """
    dated = DATED.get(event.type)
    if dated is not None:
        return dated(event, event.payload, cohort)
    if event.type is EventKind.RECLASSIFIED:
        return _same(_reclassified(event, dimensions))
    single = SINGLE.get(event.type)
    return None if single is None else _same(single(event, event.payload))


def _same(order: Instruction) -> Asked:
    return order, order


def _reclassified(event: Event, dimensions: Dimensions) -> Instruction:
    values = {name: getattr(event.dimensions, name) for name in CORRECTABLE}
    fields = {name: value for name, value in values.items() if value != getattr(dimensions, name)}
    return Reclassify(**fields, reason_code=event.reason_code)


def _moved(event: Event, cohort: CohortDates) -> date | None:
    """Return the end of the mediation term where the event set it."""
    return event.cohort.due_on if event.cohort.due_on != cohort.due_on else None


def _dispatched(event: Event, of: Any, cohort: CohortDates) -> Asked:  # noqa: ANN401 - payload of its kind
    now = event.dimensions
    order = Dispatch(
        lead_department=now.lead_department,
        co_departments=of.co_departments,
        level=now.level,
        dispatch_mode=now.dispatch_mode,
        organisation=now.organisation,
        mediation_kind=now.mediation_kind,
        due_on=_moved(event, cohort),
    )
    return order, replace(order, sign_by=of.sign_by)


def _extended(event: Event, of: Any, _: CohortDates) -> Asked:  # noqa: ANN401 - as above
    due_on = event.cohort.statutory_due_on if event.transition == "T13b" else event.cohort.due_on
    order = Extend(consent_of_all=True, days=of.days_asked or of.days)
    return order, replace(order, due_on=due_on)


def _agreed(event: Event, of: Any, _: CohortDates) -> Asked:  # noqa: ANN401 - as above
    form = event.dimensions.outcome_form
    if of.shared_from:
        return _same(ShareAgreement(of.shared_from, form, of.amount_fen, of.document_sha256, of.partial))
    # What the agreement is about is in no event: a part that was barred stays barred.
    order = Agree(
        outcome_form=form,
        signed_by_all=True,
        partial=of.partial,
        oral_recorded=of.oral,
        made_by=of.made_by,
        amount_fen=of.amount_fen,
        document_sha256=of.document_sha256,
        confirmable=of.confirmable,
        severable=of.severable,
    )
    return order, replace(order, confirm_by=of.confirm_by)


def _accepted(event: Event, of: Any) -> Instruction:  # noqa: ANN401 - as above
    return Accept(
        Clarity.CLEAR,
        Clarity.CLEAR,
        consent_of_all=True,
        rule_version=event.dimensions.rule_version,
        clause=of.clause,
        transitional=of.transitional,
    )


def _begun(event: Event, _: Any) -> Instruction:  # noqa: ANN401 - as above
    return BeginMediation(
        mediator_id=event.dimensions.mediator_id,
        mediation_kind=event.dimensions.mediation_kind,
        parties_accepted_mediator=True,
        no_conflict_of_interest=True,
        rights_notice_given=True,
    )


def _failed(event: Event, of: Any) -> Instruction:  # noqa: ANN401 - as above
    if of.shared_from:
        return ShareFailure(of.shared_from, event.reason_code)
    if event.transition == "T15d":
        return Exclude(event.reason_code, of.clause)
    return Fail(FailureReason(event.reason_code))


def _performed(_: Event, of: Any) -> Instruction:  # noqa: ANN401 - as above
    lifted = of.penalty is Penalty.LIFTED
    return RecordPerformance(of.document_sha256, written_request=lifted, police_approved=lifted)


def _reopened(event: Event, of: Any) -> Instruction:  # noqa: ANN401 - as above
    colour = event.dimensions.colour
    order = Reopen(ReopenReason(event.reason_code))
    return order if colour is of.colour_before else replace(order, colour=colour)


SINGLE: Final[Mapping[EventKind, Callable[[Event, Any], Instruction]]] = {
    EventKind.SCREENING_BEGUN: lambda _, __: BeginScreening(),
    EventKind.MEDIATION_REFUSED: lambda event, of: RefuseMediation(
        event.reason_code, of.clause, event.dimensions.rule_version
    ),
    EventKind.ACCEPTED: _accepted,
    EventKind.BOUNCED: lambda event, _: Bounce(event.reason_code),
    EventKind.MEDIATION_BEGUN: _begun,
    EventKind.LEVEL_ESCALATED: lambda event, _: EscalateLevel(event.dimensions.lead_department, event.reason_code),
    EventKind.SUSPENDED: lambda event, _: Suspend(SuspendReason(event.reason_code)),
    EventKind.FAILED: _failed,
    EventKind.WITHDRAWN: lambda event, _: Withdraw(WithdrawReason(event.reason_code)),
    EventKind.CONFIRMATION_APPLIED: lambda event, _: ApplyForConfirmation(
        jointly=True, severed_part=event.actor_role is Role.REVIEWER
    ),
    EventKind.CONFIRMED: lambda _, __: RecordRuling(confirmed=True),
    EventKind.CONFIRMATION_REFUSED: lambda event, _: RecordRuling(confirmed=False, reason_code=event.reason_code),
    EventKind.PERFORMED: _performed,
    EventKind.NOT_PERFORMED: lambda _, of: RecordNonPerformance(of.target),
    EventKind.RETURNED: lambda _, of: ReturnToSource(of.target, of.document_sha256, party_elected_suit=True),
    EventKind.REFERRED: lambda _, of: Refer(of.target, told_in_writing=True, party_elected_suit=True),
    EventKind.FOLLOW_UP_BEGUN: lambda _, of: BeginFollowUp(of.visit_on),
    EventKind.CLOSED: lambda _, of: Close(
        of.reviewer_id, result_reported=True, satisfied_or_explained=True, relapse_sign=False
    ),
    EventKind.TRACKED: lambda event, _: Track(TrackReason(event.reason_code)),
    EventKind.VISITED: lambda _, of: RecordVisit(of.clean_visit),
    EventKind.REOPENED: _reopened,
    EventKind.SUPERVISED: lambda event, of: Supervise(of.supervision, event.limit),
    EventKind.COLOUR_CHANGED: lambda event, of: ChangeColour(event.dimensions.colour, event.reason_code, of.clause),
    EventKind.MILESTONE_REACHED: lambda _, of: ReachMilestone(of.milestone),
    EventKind.RATED: lambda _, of: Rate(of.satisfaction),
    EventKind.LINKED: lambda _, of: Link(of.master_dispute_id, of.score, of.reasons),
    EventKind.UNLINKED: lambda event, _: Unlink(event.reason_code),
    EventKind.UNSHARED: lambda _, of: Unshare(of.shared_from),
    EventKind.LINK_PROPOSED: lambda _, of: ProposeLink(of.candidate_dispute_id, of.score, of.reasons),
    EventKind.LINK_DECLINED: lambda _, of: DeclineLink(of.candidate_dispute_id),
}
"""Event type -> its instruction, of types without a date that the rules fill in."""
DATED: Final[Mapping[EventKind, Callable[[Event, Any, CohortDates], Asked]]] = {
    EventKind.DISPATCHED: _dispatched,
    EventKind.SIGNED: lambda event, _, before: (Sign(), Sign(_moved(event, before))),
    EventKind.RESUMED: lambda event, _, before: (Resume(), Resume(_moved(event, before))),
    EventKind.EXTENDED: _extended,
    EventKind.AGREED: _agreed,
}
"""Event type -> its instruction, of types with a date that the rules may fill in."""
