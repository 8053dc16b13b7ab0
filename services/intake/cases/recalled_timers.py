"""Leads the timers of disputes through events that a recovery takes back.

The units that wrote the events are settled one after the other by the same functions as then. What fired is read from
the events: an alarm names its limit, and its type the step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from dispute.lifecycle import Actor, Dispute, Event
from hub.store.instants import EPOCH
from services.intake.cases.ports import Case, DisputeRegister, UnitChanges
from services.intake.cases.tasks import CLOCK
from services.intake.law import timers as timing
from services.intake.law.rulebook import Rulebook
from services.intake.law.steps import Step
from services.intake.law.timer_changes import Limits, set_by, timers_after
from services.intake.law.timers import Timer


@dataclass(slots=True)
class _Waiting:
    """Timers of one dispute between two units.

    Attributes:
        timers: As they stand now, by limit.
        running: Limits that run before the open unit.
        steps: Of the open unit.
        cause: Command of its last step.
        written: When that was written down, by the wall clock.
        alarm: It is an alarm; each of them is taken as a unit of its own.
        rung: Time of the last alarm.
    """

    timers: dict[str, Timer]
    running: Limits
    steps: list[Step] = field(default_factory=list)
    cause: str = ""
    written: datetime = EPOCH
    alarm: bool = False
    rung: datetime = EPOCH


class RecalledTimers:
    """Timers of the disputes of a recovery.

    Args:
        register: Bound to the transaction.
        before: The disputes that exist, as they are stored.
        book: Rules in force.
    """

    def __init__(self, register: DisputeRegister, before: Mapping[str, Case], book: Rulebook) -> None:
        self._clock = register.scenario_now()
        self._book = book
        self._of: dict[str, _Waiting] = {}
        for dispute_id, case in before.items():
            self._of[dispute_id] = _Waiting(dict(case.timers), timing.running(case.dispute, book))

    def take(self, event: Event, after: Dispute, recorded_at: datetime) -> None:
        """Take one event back, with the dispute after it."""
        of = self._of.setdefault(event.dispute_id, _Waiting({}, {}))
        alarm = Actor(event.actor_role, event.actor_id) == CLOCK
        same = event.causation_id == of.cause if alarm else of.written == recorded_at
        if of.steps and (alarm != of.alarm or not same):
            self._settle(of)
        of.steps.append((event, after))
        of.cause, of.written, of.alarm = event.causation_id, recorded_at, alarm

    def note(self, changes: UnitChanges) -> None:
        """Give the changed disputes the timers that they have after the last event."""
        for dispute_id, of in self._of.items():
            if of.steps:
                self._settle(of)
                into = changes.changed if dispute_id in changes.changed else changes.added
                into[dispute_id] = replace(into[dispute_id], timers=of.timers)

    def _settle(self, of: _Waiting) -> None:
        """Settle the timers after the open unit, and open the next one."""
        fired = [_as_it_fired(timer, of.timers) for timer in _reported(of.steps)] if of.alarm else []
        if of.alarm:
            of.rung = max(of.rung, of.steps[-1][0].occurred_at)
        # A restored store lost the later moves of the scenario clock; it stood where an alarm had rung at least.
        at = max(of.written if self._clock is None else self._clock, of.rung)
        done = set_by(of.running, of.steps, self._book, at)
        changes = timers_after(done, fired, of.running, of.steps[-1][1], book=self._book, at=at)
        of.timers = changes.applied(of.timers, fired)
        of.running, of.steps = done.running, []


def _reported(steps: Collection[Step]) -> list[Timer]:
    """Return the timers whose firing the events of an alarm report."""
    return [timer for event, _ in steps if (timer := timing.reported_by(event)) is not None]


def _as_it_fired(reported: Timer, timers: Mapping[str, Timer]) -> Timer:
    """Return a timer as it was set: it may have waited for late paper."""
    known = timers.get(reported.limit)
    return known if known is not None and known.step is reported.step else reported
