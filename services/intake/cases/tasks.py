"""Makes tasks of hand-offs, submissions, commands and timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid5

from dispute.lifecycle import Actor, Channel, Command, Instruction, RecordRuling, Register, Role
from dispute.lifecycle.identity import NAMESPACE
from dispute.refusals.interfaces import ALREADY_REGISTERED, UNKNOWN_DISPUTE
from hub.errors import Refusal
from services.intake.cases.ports import Case, DoneTable, Secret
from services.intake.cases.unit_of_work import Task
from services.intake.law.completion import settled
from services.intake.law.handoff import Arrival, Handoff
from services.intake.law.later_facts import react
from services.intake.law.matching import Person
from services.intake.law.registration import enter
from services.intake.law.rulebook import Rulebook
from services.intake.law.timers import Timer, command_id_of, instruction_at

SCREENER: Final = Actor(Role.SYSTEM, "screening")
CLOCK: Final = Actor(Role.SYSTEM, "timer")
CALENDAR: Final = Actor(Role.SYSTEM, "calendar")
OWN: Final = frozenset({CLOCK, CALENDAR})
"""Actors whose commands no ledger remembers: the commands are made again from the register."""

Matcher = Callable[[Iterable[Person], str], str]
"""Returns the match token of the parties and the category; holds the key (`law.matching.match_token`)."""


def task_of_handoff(handoff: Handoff, ledger: DoneTable, actor: Actor, match: Matcher) -> Task:
    """Return the task of a hand-off or submission.

    A hand-off comes from an agency, a submission from a channel of the centre.

    Args:
        handoff: What was sent.
        ledger: Where its id is remembered.
        actor: Who sent it.
        match: Makes the match token of a new case.
    """

    def plan(case: Case | None, master: str, book: Rulebook) -> Sequence[Command] | Refusal:
        if isinstance(handoff.body, Arrival):
            if case is not None:
                return ALREADY_REGISTERED.refusal()
            return [_step(handoff, actor, order) for order in enter(handoff.body, handoff.sender, master, book)]
        if case is None:
            return UNKNOWN_DISPUTE.refusal()
        orders = react(case.dispute, handoff.body, handoff.digest, book)
        return orders if isinstance(orders, Refusal) else [_step(handoff, actor, order, case) for order in orders]

    arrival = handoff.body if isinstance(handoff.body, Arrival) else None
    return Task(
        task_id=handoff.handoff_id,
        dispute_id=handoff.dispute_id,
        digest=handoff.digest,
        ledger=ledger,
        plan=plan,
        matter="" if arrival is None else match(arrival.people, arrival.facts.category),
        own=handoff.sender if arrival is not None and arrival.dimensions.channel == Channel.COURT else "",
        procedure=arrival.facts.procedure if arrival is not None else "",
        secret=Secret(handoff.dispute_id, handoff.sender, arrival.confidential)
        if arrival is not None and arrival.confidential
        else None,
        source_ref=arrival.source_ref if arrival is not None else "",
    )


def task_of_command(command: Command, digest: bytes) -> Task:
    """Return the task of one given command.

    A person or a system gave it.
    """

    def plan(case: Case | None, _: str, __: Rulebook) -> Sequence[Command] | Refusal:
        return (command,) if case is not None else UNKNOWN_DISPUTE.refusal()

    return Task(command.command_id, command.dispute_id, digest, DoneTable.COMMAND, plan)


def task_of_timer(timer: Timer) -> Task:
    """Return the task of a due timer.

    It does nothing when the dispute no longer waits for the timer.
    """

    def plan(case: Case | None, _: str, __: Rulebook) -> Sequence[Command]:
        order = instruction_at(timer, case.dispute) if case is not None else None
        if case is None or order is None:
            return ()
        command_id = command_id_of(timer, case.dispute.sequence)
        # A record that came late may have been due before its registration; nothing can happen to it before that.
        occurred_at = max(timer.due_at, case.dispute.registered_at)
        return (Command(command_id, timer.dispute_id, CLOCK, occurred_at, order),)

    return Task(f"{timer.dispute_id}/{timer.kind}", timer.dispute_id, b"", DoneTable.NONE, plan)


def task_of_settling(dispute_id: str, at: datetime) -> Task:
    """Return the task that settles a dispute's dates.

    It corrects the provisional dates that the calendar knows now.

    Args:
        dispute_id: Dispute.
        at: When the tables were known.
    """

    def plan(case: Case | None, _: str, book: Rulebook) -> Sequence[Command]:
        order, counted = settled(case.dispute, book.calendar) if case is not None else (None, ())
        if case is None or order is None:
            return ()
        name = f"due-dates\x1f{dispute_id}\x1f{case.dispute.sequence}"
        occurred_at = max(at, case.dispute.registered_at)
        return (Command(str(uuid5(NAMESPACE, name)), dispute_id, CALENDAR, occurred_at, order, counted=counted),)

    return Task(f"{dispute_id}/due-dates", dispute_id, b"", DoneTable.NONE, plan)


def _step(handoff: Handoff, actor: Actor, order: Instruction, case: Case | None = None) -> Command:
    """Return one command of a hand-off.

    The actor is the source for the registration, the hub for the screening, the court for a ruling.
    """
    if isinstance(order, RecordRuling):
        actor = Actor(Role.COURT, actor.actor_id)
    elif case is None and not isinstance(order, Register):
        actor = SCREENER
    # A source may report something older than the registration; in the register it counts from the registration.
    occurred_at = handoff.occurred_at if case is None else max(handoff.occurred_at, case.dispute.registered_at)
    return Command(handoff.handoff_id, handoff.dispute_id, actor, occurred_at, order, handoff.correlation_id)
