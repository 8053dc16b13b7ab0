"""Fires due timers and moves the scenario clock.

The clock moves only forward, and only after earlier hand-offs were applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from msgspec import Struct

from hub.errors import Bug
from hub.streams.topics import SHARDS
from services.intake.cases.ports import Counters, DisputeRegister, Units
from services.intake.cases.tasks import task_of_timer
from services.intake.cases.unit_of_work import TaskResult, carry_out
from services.intake.law.rulebook import Rulebook, Rules

CHUNK: Final = 500
"""Disputes whose timers fire in one transaction.

100,000 due at once are never in memory together, and commands can run between two transactions.
"""

ALL_SHARDS: Final = range(SHARDS)


class FiredTimers(Struct, frozen=True):
    """Result of one chunk.

    Attributes:
        taken: Timers removed.
        fired: Of those, timers that changed their dispute.
    """

    taken: int
    fired: int


def fire(
    register: DisputeRegister, until: datetime, shards: Collection[int], book: Rulebook, now: datetime
) -> FiredTimers:
    """Fire the earliest due timers of some disputes as one unit.

    Args:
        register: Bound to the transaction.
        until: Deadlines up to here are due.
        shards: Only disputes of these.
        book: Rules.
        now: Wall clock.

    Raises:
        Retryable: `outbox_full`.
        Exception: A bug that a timer's command met; the process stops loudly.
    """
    timers = register.due(until, shards, CHUNK)
    if not timers:
        return FiredTimers(0, 0)
    outcomes = carry_out(register, [task_of_timer(timer) for timer in timers], book, now, timers)
    fired = 0
    for outcome in outcomes:
        # A refusal means that the state moved on: the timer is obsolete, which is no error.
        if isinstance(outcome, Bug):
            raise outcome.error()
        fired += isinstance(outcome, TaskResult) and bool(outcome.events)
    return FiredTimers(len(timers), fired)


class Alarms:
    """Fires due timers, chunk by chunk."""

    def __init__(self, units: Units, rules: Rules, now: Callable[[], datetime], counters: Counters) -> None:
        self._units = units
        self._rules = rules
        self._now = now
        self._counters = counters

    async def ring(self, until: datetime, shards: Collection[int] = ALL_SHARDS) -> int:
        """Fire all due timers, also those due by the firing, those of a dispute in the order of time.

        Returns how many changed their dispute.
        """
        total = 0
        while shards:
            chunk = await self._units.write(
                lambda register: fire(register, until, shards, self._rules.current, self._now())
            )
            if chunk.taken == 0:
                break
            total += chunk.fired
            self._counters.timers(chunk.fired, chunk.taken - chunk.fired)
        return total

    async def advance(self, to: datetime) -> tuple[datetime, int]:
        """Move the scenario clock, then fire.

        The move is durable. Returns the clock and the number fired. A crash in between loses nothing: the clock is
        stored, and what is due fires at the next start.
        """
        clock = await self._units.write(lambda register: register.move_clock(to))
        return clock, await self.ring(clock)
