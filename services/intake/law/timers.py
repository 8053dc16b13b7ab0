"""Timers of a dispute: which limits run, and what happens as each draws near and passes.

A dispute has one timer a limit: the limit's next step. The steps are a reminder, the end, and, where the end by itself
does nothing, supervision by rising levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import uuid5

from msgspec import Struct, json

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
    RefuseMediation,
    RequestInformation,
    State,
    Supervise,
    Supervision,
    business_day,
    end_of,
)
from dispute.lifecycle.identity import NAMESPACE
from dispute.lifecycle.rewinding import UNFINISHED, WORKING
from services.intake.law.registration import sent_back
from services.intake.law.rulebook import Rulebook
from services.intake.law.state_limits import (
    MILESTONES,
    PRESERVED,
    STATE,
    milestone_ends,
    state_end,
    suit_due,
    suit_warning,
)

FOLLOW_UP: Final = "follow_up"


class Step(StrEnum):
    """Steps of a limit, in their order."""

    REMINDER = "reminder"
    OVERDUE = "overdue"
    SUPERVISED = "supervised"
    ESCALATED = "escalated"


STEPS: Final = tuple(Step)
RUNG_OF: Final = {
    Step.REMINDER: Supervision.REMINDED,
    Step.OVERDUE: Supervision.OVERDUE,
    Step.SUPERVISED: Supervision.SUPERVISED,
    Step.ESCALATED: Supervision.ESCALATED,
}
STEP_OF: Final = {rung: step for step, rung in RUNG_OF.items()}
ENDINGS: Final = (DateName.SIGN_BY.value, DateName.SCREEN_BY.value, DateName.DUE_ON.value, FOLLOW_UP)
"""Limits whose end changes the dispute: nobody has to be supervised for it.

In the order in which they ring at one instant (`ringing`): a dispatch that nobody signed is seen before its term fails.
"""


class Timer(Struct, frozen=True):
    """Next step of one limit of a dispute.

    Attributes:
        dispute_id: Dispute.
        limit: Name of the limit.
        step: What the timer does.
        due_at: Instant of the step; the time of what it causes.
        rings_at: When it fires; later than `due_at` while late paper may still come.
    """

    dispute_id: str
    limit: str
    step: Step
    due_at: datetime
    rings_at: datetime


class Running(Struct, frozen=True):
    """A limit that runs.

    Attributes:
        end: Its end.
        certain: Its last day is not provisional; a provisional one reminds, and nothing is late on it.
    """

    end: datetime
    certain: bool = True


_encode: Final = json.Encoder().encode
_decode: Final = json.Decoder(dict[str, tuple[Step, datetime, datetime]]).decode


def timers_to_bytes(timers: Mapping[str, Timer]) -> bytes:
    """Return a dispute's timers as they are stored: JSON, by limit; empty when there is none."""
    if not timers:
        return b""
    return _encode({limit: (its.step, its.due_at, its.rings_at) for limit, its in sorted(timers.items())})


def timers_from_bytes(dispute_id: str, stored: bytes) -> dict[str, Timer]:
    """Return the stored timers of a dispute, by limit."""
    return {limit: Timer(dispute_id, limit, *its) for limit, its in _decode(stored).items()} if stored else {}


def running(dispute: Dispute, book: Rulebook) -> Mapping[str, Running]:
    """Return the limits that run for a dispute, by name."""
    found = _of_the_law(dispute, book) if dispute.state in UNFINISHED else {}
    if dispute.state is State.PERFORMED and dispute.since is not None:
        found[FOLLOW_UP] = Running(dispute.since + timedelta(days=book.deadlines.follow_up_days))
    own = state_end(dispute, book)
    if own is not None:
        found[STATE] = Running(*own)
    return found


def _of_the_law(dispute: Dispute, book: Rulebook) -> dict[str, Running]:
    """Return the limits of a dispute that is not concluded."""
    found: dict[str, Running] = {}
    state, cohort = dispute.state, dispute.cohort
    if state is State.SCREENING and dispute.screen_by is not None:
        found[DateName.SCREEN_BY] = _dated(dispute, DateName.SCREEN_BY, dispute.screen_by)
    if state is State.DISPATCHED and dispute.sign_by is not None:
        found[DateName.SIGN_BY] = Running(dispute.sign_by, not dispute.is_provisional(DateName.SIGN_BY))
    due_on = cohort.due_on
    if due_on is not None and dispute.clock_stopped_on is None and state in WORKING and dispute.term_runs:
        found[DateName.DUE_ON] = _dated(dispute, DateName.DUE_ON, due_on)
    if cohort.local_due_on is not None:
        found[DateName.LOCAL_DUE_ON] = _dated(dispute, DateName.LOCAL_DUE_ON, cohort.local_due_on)
    if cohort.statutory_due_on is not None:
        found[DateName.STATUTORY_DUE_ON] = _dated(dispute, DateName.STATUTORY_DUE_ON, cohort.statutory_due_on)
    if dispute.preserved_on is not None:
        found[PRESERVED] = Running(end_of(suit_due(dispute.preserved_on)))
    if book.deadlines.milestones:
        found |= {name: Running(end, certain) for name, end, certain in milestone_ends(dispute, book)}
    return found


def _dated(dispute: Dispute, name: DateName, day: date) -> Running:
    return Running(end_of(day), not (dispute.provisional and dispute.is_provisional(name)))


def changed_by(
    event: Event, before: Mapping[str, Running], after: Dispute, now: Mapping[str, Running], book: Rulebook
) -> tuple[Timer, ...]:
    """Return the timers that an event sets: of limits that begin to run or move.

    Args:
        event: What happened.
        before: Limits that ran before it.
        after: The dispute after it.
        now: Limits that run after it.
        book: Rules in force.
    """
    timers: list[Timer] = []
    for limit, its in now.items():
        old = before.get(limit)
        if old == its and (limit != STATE or event.from_state is event.to_state):
            continue
        settled = old is not None and not old.certain and its.certain and _level(after, limit)
        if settled or limit == FOLLOW_UP or (its.certain and its.end <= event.occurred_at):
            timers.append(_timer(after, limit, Step.OVERDUE, its.end))
            continue
        remind_at = event.occurred_at + (its.end - event.occurred_at) * book.deadlines.reminder_percent / 100
        if limit == PRESERVED and after.preserved_on is not None:
            remind_at = suit_warning(after.preserved_on)
        timers.append(_timer(after, limit, Step.REMINDER, remind_at))
    return tuple(timers)


def following(timer: Timer, after: Dispute, now: Mapping[str, Running], book: Rulebook) -> Timer | None:
    """Return the next step of a limit after one that fired; None when there is none.

    It rings no earlier than that one did, which may have waited for late paper.
    """
    its = now.get(timer.limit)
    step = next((each for each in STEPS[STEPS.index(timer.step) + 1 :]), None)
    if its is None or step is None or not its.certain:
        return None
    due_at = its.end
    if step is not Step.OVERDUE:
        if timer.limit in ENDINGS:
            return None
        days = book.deadlines.supervised_days if step is Step.SUPERVISED else book.deadlines.escalated_days
        due_at = its.end + timedelta(days=days)
    return Timer(after.dispute_id, timer.limit, step, due_at, max(due_at, timer.rings_at))


def waits_for(timer: Timer, now: Mapping[str, Running]) -> bool:
    """Tell whether a dispute still waits for a timer.

    Args:
        timer: As it was set.
        now: Limits that run.
    """
    its = now.get(timer.limit)
    return its is not None and (its.certain or timer.step is Step.REMINDER)


def overdue(dispute: Dispute, now: Mapping[str, Running], at: datetime) -> tuple[Timer, ...]:
    """Return the ends that have passed without an alarm."""
    return tuple(
        _timer(dispute, limit, Step.OVERDUE, its.end)
        for limit, its in now.items()
        if its.certain and its.end <= at and _level(dispute, limit) in {None, Supervision.REMINDED}
    )


def _level(dispute: Dispute, limit: str) -> Supervision | None:
    rungs = [alarm.rung for alarm in dispute.alarms if alarm.limit == limit]
    return rungs[-1] if rungs else None


def _timer(dispute: Dispute, limit: str, step: Step, due_at: datetime) -> Timer:
    return Timer(dispute.dispute_id, limit, step, due_at, due_at)


def instructions_at(timer: Timer, dispute: Dispute, book: Rulebook) -> tuple[Instruction, ...]:
    """Return the instructions of a due timer; none when it has become obsolete."""
    if not waits_for(timer, running(dispute, book)):
        return ()
    if timer.step is Step.REMINDER and timer.limit == DateName.SCREEN_BY:
        return (RequestInformation(dispute.missing),)
    if timer.step is Step.OVERDUE and timer.limit in ENDINGS:
        return _at_the_end(timer, dispute, book)
    return (Supervise(RUNG_OF[timer.step], timer.limit),)


def _at_the_end(timer: Timer, dispute: Dispute, book: Rulebook) -> tuple[Instruction, ...]:
    match timer.limit:
        case DateName.DUE_ON:
            return (Fail(FailureReason.TERM_EXPIRED),)
        case DateName.SIGN_BY:
            # Nobody may sign any more: the dispute goes back to the dispatcher as overdue, and after the third time to
            # the county.
            return (Bounce(SIGN_OFF_EXPIRED),)
        case DateName.SCREEN_BY:
            rules, reason = book.screening, dispute.missing[0]
            refusal = RefuseMediation(reason, rules.clause_of(reason), book.version, waited=True)
            return (refusal, *sent_back(dispute.dimensions.channel, reason))
        case _:
            return (BeginFollowUp(visit_on=business_day(timer.due_at)),)


def reported_by(event: Event) -> Timer | None:
    """Return the timer whose firing an event of the clock reports; None when it is only the first one's consequence."""
    limit, step = event.limit, Step.OVERDUE
    match event.type:
        case EventKind.INFORMATION_REQUESTED:
            limit, step = DateName.SCREEN_BY.value, Step.REMINDER
        case EventKind.FOLLOW_UP_BEGUN:
            limit = FOLLOW_UP
        case EventKind.SUPERVISED:
            step = STEP_OF[getattr(event.payload, "supervision", Supervision.OVERDUE)]
        case _:
            pass
    return Timer(event.dispute_id, limit, step, event.occurred_at, event.occurred_at) if limit else None


def command_id_of(timer: Timer, sequence: int) -> str:
    """Return the id of a timer's command.

    It is the same on every worker and at every retry at the same state.
    """
    name = f"timer\x1f{timer.dispute_id}\x1f{timer.limit}\x1f{timer.step}\x1f{timer.due_at.isoformat()}\x1f{sequence}"
    return str(uuid5(NAMESPACE, name))


__all__ = [
    "FOLLOW_UP",
    "MILESTONES",
    "STATE",
    "Running",
    "Step",
    "Timer",
    "changed_by",
    "command_id_of",
    "following",
    "instructions_at",
    "overdue",
    "reported_by",
    "running",
    "timers_from_bytes",
    "timers_to_bytes",
    "waits_for",
]
