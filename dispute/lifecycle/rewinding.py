"""Takes back what an alarm or a link did, when a later paper shows that it should not have happened.

What happened in time counts, whenever it is written down (ADR-0016). The state keeps how it stood before each such
event, so that `evolve` needs nothing but the event that takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import fields, replace

from dispute.calendar.days import end_of
from dispute.lifecycle.dispute import Alarm, Checkpoint, CountedFact, CountedFacts, Dispute, Standing
from dispute.lifecycle.effects import retraction
from dispute.lifecycle.event_types import CONCLUSIONS, OVERLAYS, DueDatesSettled, EventKind
from dispute.lifecycle.events import Event, Retraction
from dispute.lifecycle.provisional import COHORT_DATES, DateName
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import CORRECTABLE, RUNGS, Colour, Milestone, Supervision
from hub.errors import Fault

STANDING: Final = tuple(entry.name for entry in fields(Standing))
WORKING: Final = frozenset({State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
"""Accepted and not yet concluded."""
UNFINISHED: Final = WORKING | {State.REGISTERED, State.SCREENING}
RUNS_IN: Final[Mapping[str, frozenset[State]]] = {
    DateName.SCREEN_BY: frozenset({State.SCREENING}),
    DateName.SIGN_BY: frozenset({State.ACCEPTED, State.DISPATCHED}),
    DateName.DUE_ON: WORKING,
    DateName.LOCAL_DUE_ON: UNFINISHED,
    DateName.STATUTORY_DUE_ON: UNFINISHED,
    **dict.fromkeys((milestone.value for milestone in Milestone), UNFINISHED),
}
"""Limit -> states in which its alarm stands; an alarm of another limit stands while the state stays."""
DATES: Final = frozenset(DateName)
KEPT_AFTER: Final = OVERLAYS | {
    EventKind.RETURNED,
    EventKind.REFERRED,
    EventKind.FOLLOW_UP_BEGUN,
    EventKind.TRACKED,
    EventKind.CLOSED,
}
"""Events that rest on an alarm without taking the matter further.

Any other settles that the alarm stands, except another alarm: paper may be missing for both.
"""
AFRESH: Final = frozenset({EventKind.REOPENED, EventKind.RESUBMITTED, EventKind.MEDIATION_BEGUN})
"""Events from which on the dispute has a way of its own, also after an outcome that it shared."""
RAISING: Final = frozenset({EventKind.SUPERVISED, EventKind.BOUNCED})
"""Events that set a level; a colour sets it as long as it lasts."""
CURRENT: Final = (*CORRECTABLE, "colour", "rule_version")
"""Dimensions that stay as they are when a dispute is taken back: corrections and overlays."""


def restored(dispute: Dispute, checkpoint: Checkpoint) -> Dispute:
    """Return the dispute as it stood before a checkpoint's event.

    Overlays, corrections and later links stay, and alarms that a person has not lifted stand again.
    """
    before = checkpoint.before
    values: dict[str, Any] = {name: getattr(before, name) for name in STANDING}
    values["dimensions"] = replace(before.dimensions, **{n: getattr(dispute.dimensions, n) for n in CURRENT})
    own = {kind: count for kind, count in before.ordinals if kind not in OVERLAYS}
    overlays = {kind: count for kind, count in dispute.ordinals if kind in OVERLAYS}
    values["ordinals"] = tuple((own | overlays).items())
    gone = {each.sequence for each in dispute.checkpoints if each.sequence >= checkpoint.sequence}
    raised = tuple(alarm for alarm in dispute.alarms if alarm.sequence not in gone)
    stopped = tuple(alarm for alarm in before.alarms if alarm.limit and alarm not in raised)
    values["alarms"] = _once(sorted((*stopped, *raised), key=attrgetter("sequence")))
    level = level_of(values["alarms"], values["dimensions"].colour)
    earlier = tuple(each for each in dispute.checkpoints if each.sequence < checkpoint.sequence)
    return replace(dispute, **values, supervision=level, checkpoints=earlier)


def _once(alarms: Sequence[Alarm]) -> tuple[Alarm, ...]:
    """Return alarms without those that repeat a level of a limit.

    While an outcome stands that is taken back later, a limit may be reported again.
    """
    first: dict[object, Alarm] = {}
    for alarm in alarms:
        first.setdefault((alarm.limit, alarm.rung) if alarm.limit else alarm.sequence, alarm)
    return tuple(first.values())


def as_before(dispute: Dispute, checkpoint: Checkpoint) -> Dispute:
    """Return the dispute as it stood, to decide a late paper by; its facts are those that the paper leaves."""
    left = tuple(fact for fact in dispute.counted if not _is_taken(fact, checkpoint.sequence))
    return replace(restored(dispute, checkpoint), counted=CountedFacts(left))


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
    shared = event.type in CONCLUSIONS and bool(getattr(event.payload, "shared_from", ""))
    alarm = bool(event.limit) and event.type is not EventKind.SUPERVISED
    if not (kept or shared or alarm):
        return ()
    if event.type is EventKind.DUE_DATES_SETTLED and isinstance(event.payload, DueDatesSettled):
        kept = tuple(_settled(each, event, event.payload) for each in kept)
    if event.type in AFRESH:
        return ()
    if event.type not in KEPT_AFTER and not alarm:
        kept = tuple(each for each in kept if not each.limit)
    if shared or alarm:
        before = Standing(**{name: getattr(dispute, name) for name in STANDING})
        kept = (*kept, Checkpoint(event.sequence, event.limit, event.occurred_at, before))
    taken = {each.sequence for each in event.retracts if not each.restated}
    return tuple(_without_alarms(each, taken) for each in kept) if taken and kept else kept


def _without_alarms(checkpoint: Checkpoint, taken: set[int]) -> Checkpoint:
    """Forget alarms that a paper took back: they don't stand again."""
    before = checkpoint.before
    left = tuple(alarm for alarm in before.alarms if alarm.sequence not in taken)
    return replace(checkpoint, before=replace(before, alarms=left))


def own_dates(standing: Standing, of: DueDatesSettled) -> dict[str, Any]:
    """Return the settled dates that a dispute alone has; the event has the cohort dates."""
    return {
        date.name.value: end_of(date.after) if date.name is DateName.SIGN_BY else date.after
        for date in of.settled
        if date.name not in COHORT_DATES and standing.last_day(date.name) == date.before
    }


def _settled(checkpoint: Checkpoint, event: Event, of: DueDatesSettled) -> Checkpoint:
    """Correct provisional dates in what may be restored, too."""
    before = checkpoint.before
    moved = {
        date.name.value: date.after
        for date in of.settled
        if date.name in COHORT_DATES and before.last_day(date.name) == date.before
    }
    after = replace(before, **own_dates(before, of), cohort=replace(before.cohort, **moved))
    gone = {(date.name, date.before) for date in of.settled}
    left = tuple(mark for mark in before.provisional if (mark.name, mark.day) not in gone)
    still = tuple(each for each in event.provisional if each not in left and after.last_day(each.name) == each.day)
    return replace(checkpoint, before=replace(after, provisional=(*left, *still)))


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
    if not gone:
        return ()
    supervised = (fact for fact in dispute.counted if fact.type is EventKind.SUPERVISED)
    return tuple(retraction(fact) for fact in supervised if fact.sequence in gone)


def _earlier_level(dispute: Dispute) -> tuple[Alarm, ...]:
    """Return the level of a dispute of an earlier release, which kept no alarms."""
    if dispute.supervision is Supervision.NORMAL or dispute.dimensions.colour is Colour.RED:
        return ()
    return (Alarm("", dispute.supervision, 0, dispute.registered_at, dispute.state),)


def _stands(alarm: Alarm, before: Dispute, after: Dispute) -> bool:
    if not alarm.limit:
        return after.reopen_seq == before.reopen_seq
    runs = RUNS_IN.get(alarm.limit)
    if runs is None:
        return after.state is alarm.state
    if after.state not in runs or alarm.limit in after.milestones:
        return False
    # The end of a sign-off has passed: another dispatch sets a limit of its own, and the earlier one stays missed.
    moving = alarm.limit in DATES and alarm.limit != DateName.SIGN_BY
    return not moving or before.last_day(DateName(alarm.limit)) == after.last_day(DateName(alarm.limit))


def level_of(alarms: tuple[Alarm, ...], colour: Colour) -> Supervision:
    """Return the level of supervision: the highest alarm; a leader is responsible for red."""
    rungs = [alarm.rung for alarm in alarms]
    if colour is Colour.RED:
        rungs.append(Supervision.ESCALATED)
    return max(rungs, key=RUNGS.index, default=Supervision.NORMAL)
