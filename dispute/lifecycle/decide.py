"""Decides one command: events or a refusal.

It is pure: the same input gives the same events.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from dispute.calendar.days import business_day, is_plausible_instant
from dispute.lifecycle.commands import Command, Register
from dispute.lifecycle.dispute import Dispute
from dispute.lifecycle.effects import Change, source_ref_of
from dispute.lifecycle.event_types import CONCLUSIONS, EventKind
from dispute.lifecycle.events import Event
from dispute.lifecycle.evolve import evolve
from dispute.lifecycle.identity import event_id_of
from dispute.lifecycle.provisional import ProvisionalDate, SettleDueDates
from dispute.lifecycle.situation import Situation, is_pseudonym
from dispute.lifecycle.table import BY_INSTRUCTION_AND_STATE, Transition
from dispute.refusals import commands as refusals
from hub.errors import Refusal


def decide(dispute: Dispute | None, command: Command) -> tuple[Event, ...] | Refusal:
    """Return the events that a command causes, or why it is refused.

    One event for each command today. The refusal is `wrong_state` when the table has no row for this state and
    instruction, `stale_sequence` when the dispute moved on, else that of the first guard that refuses; all of them:
    `dispute.refusals.commands`.

    Args:
        dispute: State; None before registration.
        command: One instruction. Its time may be before that of the last event (late reports correct the past),
            but not before the registration; the caller, who has a clock, checks that it is not in the future.
    """
    refusal = _malformed(command) or _misplaced(dispute, command)
    if refusal is not None:
        return refusal
    at = Situation(dispute, command, business_day(command.occurred_at))
    row = _row(at)
    if row is None:
        state = "unregistered" if dispute is None else dispute.state
        return refusals.WRONG_STATE.refusal(why=f"{type(command.instruction).__name__} in {state}")
    for guard in row.guards:
        code = guard(at, command.instruction)
        if code is not None:
            return code.refusal(why=_asked(row, command))
    event = _event(row, at, row.effect(at, command.instruction))
    if command.counted or (dispute is not None and dispute.provisional):
        event = replace(event, provisional=_still_provisional(dispute, command, event))
    return (event,)


def _asked(row: Transition[Any], command: Command) -> str:
    """Name the requested row and its bounding rule."""
    name, rule = f"{row.id} {type(command.instruction).__name__}", command.limit.extension
    return name if rule is None else f"{name}, 1–{rule.days}: {rule.clause}"


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
    reopened = row.kind is EventKind.REOPENED
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
        business_day=order.received_on if isinstance(order, Register) else at.day,
        cohort=change.cohort,
        dimensions=change.dimensions,
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
        source_ref=source_ref_of(order),
    )
