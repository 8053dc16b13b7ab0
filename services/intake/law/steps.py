"""Carries out commands on one dispute, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from msgspec.structs import replace

from dispute.lifecycle import Command, Dispute, Event, Instruction, decide, evolve
from dispute.lifecycle.decide import Completion
from hub.errors import Refusal
from services.intake.law.completion import complete
from services.intake.law.facts import Facts
from services.intake.law.rulebook import Rulebook

Step = tuple[Event, Dispute]
"""An event, and the dispute after it."""
Follow = Callable[[Dispute | None, Command, Completion], Sequence[Step] | Refusal]
"""Returns what a command causes by the rules that complete it."""


def with_values(commands: Iterable[Command], kind: type[Instruction], **values: object) -> list[Command]:
    """Return the commands, the instructions of a kind among them with other values."""
    return [
        replace(command, instruction=replace(command.instruction, **values))
        if isinstance(command.instruction, kind)
        else command
        for command in commands
    ]


def follow(dispute: Dispute | None, command: Command, completed: Completion) -> Sequence[Step] | Refusal:
    """Return what a command causes by the rules that complete it."""
    events = decide(dispute, command, completed)
    if isinstance(events, Refusal):
        return events
    steps: list[Step] = []
    for event in events:
        dispute = evolve(dispute, event)
        steps.append((event, dispute))
    return steps


def steps_of(
    commands: Sequence[Command],
    dispute: Dispute | None,
    facts: Facts | None,
    *,
    book: Rulebook,
    today: date,
    by: Follow = follow,
) -> list[Step] | Refusal:
    """Return what the commands cause: all of them, or the refusal of one.

    Args:
        commands: In order.
        dispute: As it stands; None before its registration.
        facts: What its source reported, with these commands.
        book: Rules.
        today: Business day on which they are written down.
        by: Carries out each.
    """

    def completed(state: Dispute | None, command: Command) -> Command:
        return complete(command, state, facts, book, today)

    steps: list[Step] = []
    for command in commands:
        caused = by(dispute, command, completed)
        if isinstance(caused, Refusal):
            return caused
        steps += caused
        dispute = steps[-1][1] if steps else dispute
    return steps
