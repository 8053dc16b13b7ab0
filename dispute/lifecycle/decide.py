"""Decides one command: events or a refusal.

It is pure: the same input gives the same events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from dispute.calendar.days import business_day, is_plausible_instant
from dispute.lifecycle.commands import Command, Unlink
from dispute.lifecycle.dimensions import Dimensions
from dispute.lifecycle.dispute import Checkpoint, Dispute
from dispute.lifecycle.effects import Change, source_ref_of
from dispute.lifecycle.event_types import CONCLUSIONS
from dispute.lifecycle.events import Event, Retraction
from dispute.lifecycle.evolve import OPENINGS, evolve
from dispute.lifecycle.identity import event_id_of
from dispute.lifecycle.own_commands import Register, Resubmit, Unshare
from dispute.lifecycle.provisional import ProvisionalDate, SettleDueDates
from dispute.lifecycle.rewinding import as_before, groundless, moves, taken_back
from dispute.lifecycle.situation import Situation, is_pseudonym
from dispute.lifecycle.table import BY_INSTRUCTION_AND_STATE, Transition
from dispute.refusals import commands as refusals
from hub.errors import Refusal

Completion = Callable[[Dispute | None, Command], Command]
"""Returns a command with what the rules give for it at a state, such as its last day."""


def as_given(_: Dispute | None, command: Command) -> Command:
    """Return the command as it is: the rules were asked already."""
    return command


def decide(dispute: Dispute | None, command: Command, completed: Completion = as_given) -> tuple[Event, ...] | Refusal:
    """Return the events that a command causes, or why it is refused.

    One event for each command today. The refusal is `wrong_state` when the table has no row for this state and
    instruction, `stale_sequence` when the dispute moved on, else that of the first guard that refuses; all of them:
    `dispute.refusals.commands`.

    Args:
        dispute: State; None before registration.
        command: One instruction. Its time may be before that of the last event (late reports correct the past),
            but not before the registration; the caller, who has a clock, checks that it is not in the future.
        completed: Asks the rules. It is asked at the state that the command is decided by: late paper is decided by an
            earlier one.
    """
    refusal = _malformed(command) or _misplaced(dispute, command)
    if refusal is not None:
        return refusal
    if dispute is None or not dispute.checkpoints:
        return _decided(dispute, completed(dispute, command))
    return _taking_back(dispute, command, completed)


def _taking_back(dispute: Dispute, command: Command, completed: Completion) -> tuple[Event, ...] | Refusal:
    """Decide a command that may take back an alarm or a shared outcome.

    What happened before an alarm, and would have prevented it, is decided as if it had been written down in time.
    """
    first: Refusal | None = None
    now = completed(dispute, command)
    for checkpoint in _concerned(dispute, command):
        shared = not checkpoint.limit
        if not shared and command.occurred_at >= checkpoint.at:
            continue
        before = as_before(dispute, checkpoint)
        outcome = _decided(before, completed(before, command))
        if isinstance(outcome, Refusal):
            first = first or outcome
            continue
        if not shared and not moves(before, evolve(before, outcome[0]), checkpoint.limit):
            continue
        if not shared and now.limit.too_late:
            return refusals.PAPER_TOO_LATE.refusal()
        return (_rewound(dispute, checkpoint.sequence, outcome[0]),)
    plain = _decided(dispute, now)
    wrong_state = isinstance(plain, Refusal) and plain.code == refusals.WRONG_STATE.name
    return first if wrong_state and first is not None else plain


def _concerned(dispute: Dispute, command: Command) -> tuple[Checkpoint, ...]:
    """Return what a command may take back: all shared outcomes, the last one, or alarms."""
    shared = tuple(each for each in dispute.checkpoints if not each.limit)
    if isinstance(command.instruction, Unlink):
        return shared
    if isinstance(command.instruction, Unshare):
        return shared[-1:]
    return tuple(each for each in dispute.checkpoints if each.limit)


def _rewound(dispute: Dispute, sequence: int, event: Event) -> Event:
    """Return the event with everything that it takes back."""
    retracts = _in_order(*taken_back(dispute, sequence), *event.retracts)
    return replace(event, from_state=dispute.state, retracts=retracts, rewinds_to=sequence)


def _in_order(*retracts: Retraction) -> tuple[Retraction, ...]:
    """Return each retraction once, in the order of the facts."""
    by_sequence = {each.sequence: each for each in reversed(retracts)}
    return tuple(by_sequence[sequence] for sequence in sorted(by_sequence))


def _decided(dispute: Dispute | None, command: Command) -> tuple[Event, ...] | Refusal:
    at = Situation(dispute, command, business_day(command.occurred_at))
    row = _row(at)
    if row is None:
        state = "unregistered" if dispute is None else dispute.state
        return refusals.WRONG_STATE.refusal(why=f"{type(command.instruction).__name__} in {state}")
    for guard in row.guards:
        code = guard(at, command.instruction)
        if code is not None:
            return code.refusal(why=_asked(row, command))
    if command.limit.bar is not None:
        return command.limit.bar.refusal(why=f"{_asked(row, command)}: {command.limit.clause}")
    event = _event(row, at, row.effect(at, command.instruction))
    if command.counted or (dispute is not None and dispute.provisional):
        event = replace(event, provisional=_still_provisional(dispute, command, event))
    if dispute is not None and dispute.alarms and not command.limit.too_late:
        gone = groundless(dispute, evolve(dispute, event), command.occurred_at)
        event = replace(event, retracts=_in_order(*event.retracts, *gone)) if gone else event
    return (event,)


def _asked(row: Transition[Any], command: Command) -> str:
    """Name the requested row, and what bounds it."""
    name, rule = f"{row.id} {type(command.instruction).__name__}", command.limit.extension
    return name if rule is None else f"{name}, 1–{rule.days or ''}: {command.limit.clause or rule.clause}"


def _still_provisional(dispute: Dispute | None, command: Command, event: Event) -> tuple[ProvisionalDate, ...]:
    """Return the provisional marks after an event.

    Marks of the event and earlier ones, as far as their date is still used.
    """
    order = command.instruction
    settled = {(date.name, date.before) for date in order.dates} if isinstance(order, SettleDueDates) else set()
    before = () if dispute is None else dispute.provisional
    marks = {(mark.name, mark.day): mark for mark in before if (mark.name, mark.day) not in settled}
    marks |= {(mark.name, mark.day): mark for mark in command.counted}
    after = evolve(dispute, event)
    return tuple(mark for mark in marks.values() if after.holds(mark))


def _malformed(command: Command) -> Refusal | None:
    """Refuse what no command may have."""
    if not command.command_id:
        return refusals.COMMAND_ID_MISSING.refusal()
    if not is_pseudonym(command.actor.actor_id):
        return refusals.ACTOR_MALFORMED.refusal()
    if command.occurred_at.tzinfo is None:
        return refusals.NAIVE_TIME.refusal(field="occurred_at")
    if not is_plausible_instant(command.occurred_at):
        return refusals.TIME_OUT_OF_RANGE.refusal(field="occurred_at")
    return None


def _misplaced(dispute: Dispute | None, command: Command) -> Refusal | None:
    """Refuse what is not for this dispute as it stands."""
    sequence = 0 if dispute is None else dispute.sequence
    if command.expected_sequence not in {0, sequence}:
        return refusals.STALE_SEQUENCE.refusal(why=f"expected {command.expected_sequence}, stands at {sequence}")
    if dispute is not None and dispute.dispute_id != command.dispute_id:
        return refusals.WRONG_DISPUTE.refusal()
    if dispute is not None and command.occurred_at < dispute.registered_at:
        return refusals.BEFORE_REGISTRATION.refusal()
    return None


def _row(at: Situation) -> Transition[Any] | None:
    state = None if at.dispute is None else at.dispute.state
    order = at.command.instruction
    rows = BY_INSTRUCTION_AND_STATE.get((type(order), state), ())
    return next((row for row in rows if row.when is None or row.when(at, order)), None)


def _event(row: Transition[Any], at: Situation, change: Change) -> Event:
    dispute, command = at.dispute, at.command
    order = command.instruction
    sequence = 1 if dispute is None else dispute.sequence + 1
    reopened = row.kind in OPENINGS
    before = 0 if dispute is None or reopened else dispute.times(row.kind)
    concluded = 0 if dispute is None else dispute.conclusions
    state = None if dispute is None else dispute.state
    opening = 0 if dispute is None else dispute.reopen_seq
    return Event(
        dispute_id=command.dispute_id,
        sequence=sequence,
        event_id=event_id_of(command.dispute_id, sequence),
        type=row.kind,
        causation_id=command.command_id,
        correlation_id=command.correlation_id or command.command_id,
        occurred_at=command.occurred_at,
        business_day=order.received_on if isinstance(order, Register | Resubmit) else at.day,
        cohort=change.cohort,
        dimensions=_ruled(change.dimensions, command.limit.rule_version),
        retracts=change.retracts,
        transition=row.id,
        from_state=state,
        to_state=row.target or at.known.state,
        actor_role=command.actor.role,
        actor_id=command.actor.actor_id,
        reason_code=change.reason_code,
        reopen_seq=opening + 1 if reopened else opening,
        ordinal=before + 1,
        conclusion_ordinal=concluded + 1 if row.kind in CONCLUSIONS else 0,
        payload=change.payload,
        limit=change.limit,
        source_ref=source_ref_of(order),
    )


def _ruled(dimensions: Dimensions, version: str) -> Dimensions:
    """Return the dimensions with the version of the rules that the event rests on."""
    return replace(dimensions, rule_version=version) if version and dimensions.rule_version != version else dimensions
