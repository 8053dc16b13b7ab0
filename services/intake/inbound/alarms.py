"""Fires due timers and moves the scenario clock: only forward, only after what was told before was applied."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.errors import Rejected
from hub.streams.topics import SHARDS
from services.intake.cases.ports import Counters, DisputeRegister, Units
from services.intake.cases.tasks import task_of_timer
from services.intake.cases.unit_of_work import TaskResult, carry_out
from services.intake.law.registration import Rulebook

CHUNK: Final = 500
"""Timers of one transaction: 100,000 due at once are never in memory together, and commands get in between."""

ALL_SHARDS: Final = range(SHARDS)


@dataclass(frozen=True, slots=True)
class Fired:
    """What one chunk came to.

    Attributes:
        taken: Timers taken off.
        fired: Of those, timers that changed their dispute.
    """

    taken: int
    fired: int


def fire(register: DisputeRegister, until: datetime, shards: Collection[int], book: Rulebook, now: datetime) -> Fired:
    """Fire the earliest due timers, as one unit.

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
        return Fired(0, 0)
    off = [(timer.dispute_id, timer.kind) for timer in timers]
    outcomes = carry_out(register, [task_of_timer(timer) for timer in timers], book, now, off)
    fired = 0
    for outcome in outcomes:
        # A refusal means that the state moved on: the timer is obsolete, which is no error.
        if isinstance(outcome, Exception) and not isinstance(outcome, Rejected):
            raise outcome
        fired += isinstance(outcome, TaskResult) and bool(outcome.events)
    return Fired(len(timers), fired)


class Alarms:
    """Fires what is due, chunk by chunk."""

    def __init__(self, units: Units, book: Rulebook, now: Callable[[], datetime], counters: Counters) -> None:
        self._units = units
        self._book = book
        self._now = now
        self._counters = counters

    async def ring(self, until: datetime, shards: Collection[int] = ALL_SHARDS) -> int:
        """Fire everything due, also what the firing itself makes due; returns how many changed their dispute."""
        total = 0
        while shards:
            chunk = await self._units.write(lambda register: fire(register, until, shards, self._book, self._now()))
            if chunk.taken == 0:
                break
            total += chunk.fired
            self._counters.timers(chunk.fired, chunk.taken - chunk.fired)
        return total

    async def advance(self, to: datetime) -> tuple[datetime, int]:
        """Move the scenario clock durably, then fire; returns the clock and the number fired.

        A crash in between loses nothing: the clock stands, and what is due fires at the next start.
        """
        clock = await self._units.write(lambda register: register.move_clock(to))
        return clock, await self.ring(clock)
