"""Timers of a dispute.

Which instants a dispute waits for, set by its events, and what happens at each.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import uuid5

from msgspec import Struct

from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    BeginFollowUp,
    Bounce,
    DateName,
    Dispute,
    Event,
    EventKind,
    Fail,
    FailureReason,
    Instruction,
    State,
    Supervise,
    Supervision,
    business_day,
    end_of,
)
from dispute.lifecycle.event_types import DueDatesSettled
from dispute.lifecycle.identity import NAMESPACE
from services.intake.law.deadlines import DeadlineRules


class TimerKind(StrEnum):
    """Kinds of timers.

    A dispute has at most one timer of a kind.
    """

    SIGN_REMINDER = "sign_reminder"
    SIGN_OVERDUE = "sign_overdue"
    TERM_REMINDER = "term_reminder"
    TERM_EXPIRED = "term_expired"
    LOCAL_REMINDER = "local_reminder"
    LOCAL_OVERDUE = "local_overdue"
    STATUTORY_REMINDER = "statutory_reminder"
    STATUTORY_OVERDUE = "statutory_overdue"
    FOLLOW_UP = "follow_up"


class Timer(Struct, frozen=True):
    """One instant that a dispute waits for."""

    dispute_id: str
    kind: TimerKind
    due_at: datetime


WORKING: Final = frozenset({State.ACCEPTED, State.DISPATCHED, State.SIGNED, State.MEDIATING, State.SUSPENDED})
UNFINISHED: Final = WORKING | {State.REGISTERED, State.SCREENING}
LEADER_EXTENDS: Final = "T13b"
"""Row of the transition table that moves a petition's statutory limit instead of the mediation term."""
_SIGN_OFF: Final = (TimerKind.SIGN_REMINDER, TimerKind.SIGN_OVERDUE)
_TERM: Final = (TimerKind.TERM_REMINDER, TimerKind.TERM_EXPIRED)
_LOCAL: Final = (TimerKind.LOCAL_REMINDER, TimerKind.LOCAL_OVERDUE)
_STATUTORY: Final = (TimerKind.STATUTORY_REMINDER, TimerKind.STATUTORY_OVERDUE)
_REMINDERS: Final = frozenset(
    {TimerKind.SIGN_REMINDER, TimerKind.TERM_REMINDER, TimerKind.LOCAL_REMINDER, TimerKind.STATUTORY_REMINDER}
)
_RUNGS: Final = tuple(Supervision)
_PAIRS: Final = {
    DateName.SIGN_BY: _SIGN_OFF,
    DateName.DUE_ON: _TERM,
    DateName.LOCAL_DUE_ON: _LOCAL,
    DateName.STATUTORY_DUE_ON: _STATUTORY,
}
"""Limit -> its reminder and its end."""


def awaited(dispute: Dispute) -> tuple[TimerKind, ...]:
    """Return the timer kinds that a dispute awaits.

    They depend on its state; a timer of any other kind is obsolete.
    """
    state, cohort = dispute.state, dispute.cohort
    if state is State.PERFORMED:
        return (TimerKind.FOLLOW_UP,)
    if state not in UNFINISHED:
        return ()
    kinds: tuple[TimerKind, ...] = ()
    if state is State.DISPATCHED and dispute.sign_by is not None:
        kinds += _rings(DateName.SIGN_BY, dispute)
    if state in WORKING and cohort.due_on is not None and dispute.clock_stopped_on is None and dispute.term_runs:
        kinds += _rings(DateName.DUE_ON, dispute)
    if cohort.local_due_on is not None:
        kinds += _rings(DateName.LOCAL_DUE_ON, dispute)
    if cohort.statutory_due_on is not None:
        kinds += _rings(DateName.STATUTORY_DUE_ON, dispute)
    return kinds


def _rings(name: DateName, dispute: Dispute) -> tuple[TimerKind, ...]:
    """Return the timers of a limit.

    A provisional date has a reminder but no end.
    """
    pair = _PAIRS[name]
    return pair[:1] if dispute.is_provisional(name) else pair


def waits_for(kind: TimerKind, dispute: Dispute) -> bool:
    """Tell whether a dispute awaits a timer kind."""
    return kind in awaited(dispute)


def given_up(before: Dispute, after: Dispute) -> list[TimerKind]:
    """Return the timer kinds that are no longer awaited."""
    still = awaited(after)
    return [kind for kind in awaited(before) if kind not in still]


def set_by(event: Event, after: Dispute, rules: DeadlineRules) -> tuple[Timer, ...]:
    """Return the timers that an event sets.

    A timer replaces an earlier one of the same kind.

    Args:
        event: What happened.
        after: The dispute after it.
        rules: Share of a limit at which to remind, days to the follow-up.
    """
    if isinstance(event.payload, DueDatesSettled):
        return _settled(event.payload, after)
    spans: list[tuple[TimerKind, TimerKind, datetime]] = []
    match event.type:
        case EventKind.DISPATCHED | EventKind.LEVEL_ESCALATED if after.sign_by is not None:
            spans.append((TimerKind.SIGN_REMINDER, TimerKind.SIGN_OVERDUE, after.sign_by))
        case EventKind.EXTENDED if event.cohort.statutory_due_on is not None and event.transition == LEADER_EXTENDS:
            due_at = end_of(event.cohort.statutory_due_on)
            spans.append((TimerKind.STATUTORY_REMINDER, TimerKind.STATUTORY_OVERDUE, due_at))
        case EventKind.SIGNED | EventKind.RESUMED | EventKind.EXTENDED if after.cohort.due_on is not None:
            spans.append((TimerKind.TERM_REMINDER, TimerKind.TERM_EXPIRED, end_of(after.cohort.due_on)))
        case EventKind.REGISTERED:
            if after.cohort.local_due_on is not None:
                due_at = end_of(after.cohort.local_due_on)
                spans.append((TimerKind.LOCAL_REMINDER, TimerKind.LOCAL_OVERDUE, due_at))
            if after.cohort.statutory_due_on is not None:
                due_at = end_of(after.cohort.statutory_due_on)
                spans.append((TimerKind.STATUTORY_REMINDER, TimerKind.STATUTORY_OVERDUE, due_at))
        case EventKind.PERFORMED:
            due_at = event.occurred_at + timedelta(days=rules.follow_up_days)
            return (Timer(after.dispute_id, TimerKind.FOLLOW_UP, due_at),)
        case _:
            return ()
    timers: list[Timer] = []
    for reminder, end, due_at in spans:
        remind_at = event.occurred_at + (due_at - event.occurred_at) * rules.reminder_percent / 100
        timers += [Timer(after.dispute_id, reminder, remind_at), Timer(after.dispute_id, end, due_at)]
    return tuple(timers)


def _settled(of: DueDatesSettled, after: Dispute) -> tuple[Timer, ...]:
    """Return the timers of limits now certain.

    Such a limit ends on its day, also when that day has passed; its reminder stays as it was.
    """
    return tuple(
        Timer(after.dispute_id, _PAIRS[date.name][1], end_of(date.after))
        for date in of.settled
        if date.name in _PAIRS and after.last_day(date.name) == date.after and not after.is_provisional(date.name)
    )


def instruction_at(timer: Timer, dispute: Dispute) -> Instruction | None:
    """Return the instruction of a due timer.

    None when the timer has become obsolete.
    """
    if not waits_for(timer.kind, dispute):
        return None
    if timer.kind is TimerKind.FOLLOW_UP:
        return BeginFollowUp(visit_on=business_day(timer.due_at))
    if timer.kind is TimerKind.TERM_EXPIRED:
        return Fail(FailureReason.TERM_EXPIRED)
    if timer.kind is TimerKind.SIGN_OVERDUE:
        # Nobody may sign any more: the dispute goes back to the dispatcher as overdue, and after the third time to
        # the county.
        return Bounce(SIGN_OFF_EXPIRED)
    rung = Supervision.REMINDED if timer.kind in _REMINDERS else Supervision.OVERDUE
    # The level only rises: after the overdue level, a reminder has no meaning.
    return Supervise(rung) if _RUNGS.index(dispute.supervision) < _RUNGS.index(rung) else None


def command_id_of(timer: Timer, sequence: int) -> str:
    """Return the id of a timer's command.

    It is the same on every worker and at every retry at the same state.
    """
    name = f"timer\x1f{timer.dispute_id}\x1f{timer.kind}\x1f{timer.due_at.isoformat()}\x1f{sequence}"
    return str(uuid5(NAMESPACE, name))
