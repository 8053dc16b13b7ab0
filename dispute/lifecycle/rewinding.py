"""Takes back what an alarm or a link did, when a later paper shows that it should not have happened.

What happened in time counts, whenever it is written down (ADR-0015). The state keeps how it stood before each such
event, so that `evolve` needs nothing but the event that takes it back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec.structs import fields, replace

from dispute.lifecycle.dispute import Alarm, Checkpoint, CountedFact, Dispute, Standing
from dispute.lifecycle.effects import retraction
from dispute.lifecycle.event_types import OVERLAYS, DueDatesSettled, EventKind
from dispute.lifecycle.events import Event, Retraction
from dispute.lifecycle.provisional import DateName
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import CORRECTABLE, RUNGS, Colour, Supervision
from hub.errors import Fault

STANDING: Final = tuple(entry.name for entry in fields(Standing))
WORKING: Final = frozenset({State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
"""Accepted and not yet concluded."""
UNFINISHED: Final = WORKING | {State.REGISTERED, State.SCREENING}
RUNS_IN: Final = {
    DateName.SCREEN_BY: frozenset({State.SCREENING}),
    DateName.SIGN_BY: frozenset({State.ACCEPTED, State.DISPATCHED}),
    DateName.DUE_ON: WORKING,
    DateName.LOCAL_DUE_ON: UNFINISHED,
    DateName.STATUTORY_DUE_ON: UNFINISHED,
}
"""Limit -> states in which its alarm stands; an alarm of another limit stands while the state stays."""
KEPT_AFTER: Final = OVERLAYS | {
    EventKind.RETURNED,
    EventKind.REFERRED,
    EventKind.FOLLOW_UP_BEGUN,
    EventKind.TRACKED,
    EventKind.CLOSED,
}
"""Events that rest on an alarm without taking the matter further; any other settles that the alarm stands."""
RAISING: Final = frozenset({EventKind.SUPERVISED, EventKind.BOUNCED})
"""Events that set a level; a colour sets it as long as it lasts."""
CURRENT: Final = (*CORRECTABLE, "colour", "rule_version")
"""Dimensions that stay as they are when a dispute is taken back: corrections and overlays."""


def restored(dispute: Dispute, checkpoint: Checkpoint) -> Dispute:
    """Return the dispute as it stood before a checkpoint's event.

    Overlays, corrections and later links stay.
    """
    before = checkpoint.before
    values: dict[str, Any] = {name: getattr(before, name) for name in STANDING}
    values["dimensions"] = replace(before.dimensions, **{n: getattr(dispute.dimensions, n) for n in CURRENT})
    own = {kind: count for kind, count in before.ordinals if kind not in OVERLAYS}
    overlays = {kind: count for kind, count in dispute.ordinals if kind in OVERLAYS}
    values["ordinals"] = tuple((own | overlays).items())
    earlier = tuple(each for each in dispute.checkpoints if each.sequence < checkpoint.sequence)
    return replace(dispute, **values, checkpoints=earlier)


def checkpoint_at(dispute: Dispute, sequence: int) -> Checkpoint:
    """Return the checkpoint of an event.

    Raises:
        Fault: `history_broken`: the event can't be taken back.
    """
    for each in dispute.checkpoints:
        if each.sequence == sequence:
            return each
    raise Fault("history_broken", f"event {sequence} of {dispute.dispute_id} can't be taken back")


def taken_back(dispute: Dispute, sequence: int) -> tuple[Retraction, ...]:
    """Return the retractions of counted facts from an event on; overlays stand."""
    return tuple(retraction(fact) for fact in dispute.counted if _is_taken(fact, sequence))


def _is_taken(fact: CountedFact, sequence: int) -> bool:
    return fact.sequence >= sequence and fact.type not in OVERLAYS


def moves(before: Dispute, after: Dispute, limit: str) -> bool:
    """Tell whether a fact makes an alarm of a limit groundless.

    It does when the dispute is in another state by it, or the limit has another last day.
    """
    if after.state is not before.state:
        return True
    name = DateName(limit)
    return after.clock_stopped_on != before.clock_stopped_on or after.last_day(name) != before.last_day(name)


def checkpoints_after(dispute: Dispute, event: Event) -> tuple[Checkpoint, ...]:
    """Return the checkpoints after an event.

    Args:
        dispute: Before the event; already taken back when the event does that.
        event: What happened.
    """
    kept = dispute.checkpoints
    if event.type is EventKind.DUE_DATES_SETTLED and isinstance(event.payload, DueDatesSettled):
        kept = tuple(_settled(each, event.payload) for each in kept)
    shared = getattr(event.payload, "shared_from", "")
    if event.type in {EventKind.REOPENED, EventKind.RESUBMITTED}:
        return ()
    if event.type not in KEPT_AFTER:
        kept = tuple(each for each in kept if not each.limit)
    if shared or (event.limit and event.type is not EventKind.SUPERVISED):
        before = Standing(**{name: getattr(dispute, name) for name in STANDING})
        kept = (*kept, Checkpoint(event.sequence, event.limit, event.occurred_at, before))
    return kept


def _settled(checkpoint: Checkpoint, of: DueDatesSettled) -> Checkpoint:
    """Correct provisional dates in what may be restored, too."""
    before = checkpoint.before
    moved = {
        date.name.value: date.after
        for date in of.settled
        if getattr(before.cohort, date.name.value, None) == date.before
    }
    gone = {(date.name, date.before) for date in of.settled}
    left = tuple(mark for mark in before.provisional if (mark.name, mark.day) not in gone)
    return replace(checkpoint, before=replace(before, cohort=replace(before.cohort, **moved), provisional=left))


def alarms_after(dispute: Dispute, after: Dispute, event: Event) -> tuple[Alarm, ...]:
    """Return the alarms that stand after an event.

    An alarm stops when the matter moves, or when a paper shows that there was no reason for it.
    """
    taken = {each.sequence for each in event.retracts if not each.restated}
    known = dispute.alarms or _earlier_level(dispute)
    # A date that a holiday table settles is the same limit.
    settles = event.type is EventKind.DUE_DATES_SETTLED
    stand = tuple(alarm for alarm in known if settles or _stands(alarm, dispute, after))
    kept = tuple(alarm for alarm in stand if alarm.sequence not in taken)
    rung = getattr(event.payload, "supervision", None) if event.type in RAISING else None
    if rung is None:
        return kept
    if rung is Supervision.NORMAL:
        return ()
    return (*kept, Alarm(event.limit, rung, event.sequence, event.occurred_at, event.to_state))


def groundless(dispute: Dispute, after: Dispute, at: datetime) -> tuple[Retraction, ...]:
    """Return the retractions of alarms that a fact of an earlier time makes groundless.

    Args:
        dispute: Before the fact.
        after: After it.
        at: When the fact happened.
    """
    gone = {
        alarm.sequence
        for alarm in dispute.alarms
        if alarm.limit and at < alarm.at and not _stands(alarm, dispute, after)
    }
    return tuple(retraction(fact) for fact in dispute.counted if fact.sequence in gone) if gone else ()


def _earlier_level(dispute: Dispute) -> tuple[Alarm, ...]:
    """Return the level of a dispute of an earlier release, which kept no alarms."""
    if dispute.supervision is Supervision.NORMAL or dispute.dimensions.colour is Colour.RED:
        return ()
    return (Alarm("", dispute.supervision, 0, dispute.registered_at, dispute.state),)


def _stands(alarm: Alarm, before: Dispute, after: Dispute) -> bool:
    if not alarm.limit:
        return after.reopen_seq == before.reopen_seq
    runs = RUNS_IN.get(alarm.limit)  # type: ignore[call-overload]  # a limit of another kind is not found
    if runs is None:
        return after.state is alarm.state and alarm.limit not in after.milestones
    same = before.last_day(DateName(alarm.limit)) == after.last_day(DateName(alarm.limit))
    return after.state in runs and (same or alarm.limit == DateName.SIGN_BY)


def level_of(alarms: tuple[Alarm, ...], colour: Colour) -> Supervision:
    """Return the level of supervision: the highest alarm; a leader is responsible for red."""
    rungs = [alarm.rung for alarm in alarms]
    if colour is Colour.RED:
        rungs.append(Supervision.ESCALATED)
    return max(rungs, key=RUNGS.index, default=Supervision.NORMAL)
