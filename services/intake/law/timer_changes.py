"""Timers that the steps of one dispute set, move and clear.

A unit of work may take several steps; its timers are settled once, after the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import Dispute, Role
from services.intake.law import timers as timing
from services.intake.law.rulebook import Rulebook
from services.intake.law.steps import Step
from services.intake.law.timers import Running, Timer

Limits = Mapping[str, Running]
"""Limits that run for a dispute, by name."""


class SetTimers(Struct, frozen=True):
    """What steps set.

    Attributes:
        timers: Of the limits that run after the steps, by limit.
        late: A step was written down late.
        running: Limits that run after the steps.
    """

    timers: Mapping[str, Timer]
    late: bool
    running: Limits

    def then(self, later: SetTimers) -> SetTimers:
        """Return what these steps and later ones set."""
        return SetTimers({**self.timers, **later.timers}, self.late or later.late, later.running)


class TimerChanges(Struct, frozen=True):
    """What a unit does to the timers of a dispute.

    Attributes:
        cleared: Limits whose timers are gone.
        timers: Set or moved, by limit; after `cleared`.
    """

    cleared: frozenset[str]
    timers: Mapping[str, Timer]

    def applied(self, timers: Mapping[str, Timer], fired: Iterable[Timer]) -> dict[str, Timer]:
        """Return the timers of a dispute, by limit, after these changes; those that fired are gone."""
        gone = self.cleared.union(timer.limit for timer in fired)
        left = {limit: timer for limit, timer in timers.items() if limit not in gone}
        return {**left, **self.timers}


def nothing_set(running: Limits) -> SetTimers:
    """Return what no step sets."""
    return SetTimers({}, late=False, running=running)


def set_by(ran: Limits, steps: Sequence[Step], book: Rulebook, at: datetime) -> SetTimers:
    """Return the timers that steps set of limits that run after them, and whether a step was written down late.

    Args:
        ran: Limits that ran before the steps.
        steps: At least one.
        book: Rules.
        at: Business time of the unit.
    """
    late_from = at - timedelta(hours=book.deadlines.paper_after_hours)
    # What the hub does by itself is no paper: a timer that fires late reports a limit of its own time.
    late = any(event.occurred_at < late_from and event.actor_role is not Role.SYSTEM for event, _ in steps)
    now = timing.running(steps[-1][1], book)
    return SetTimers(_last_changes(ran, steps, now, book), late, now)


def _last_changes(ran: Limits, steps: Sequence[Step], now: Limits, book: Rulebook) -> dict[str, Timer]:
    """Return the timer of the last step that changed a limit, for each limit that runs now.

    It goes back only as far as it has to: what ran between two steps and runs no more has no timer.
    """
    last: dict[str, Timer] = {}
    later = now
    for number in range(len(steps) - 1, -1, -1):
        if last.keys() == now.keys():
            break
        event, after = steps[number]
        before = timing.running(steps[number - 1][1], book) if number else ran
        for timer in timing.changed_by(event, before, after, later, book):
            if timer.limit in now:
                last.setdefault(timer.limit, timer)
        later = before
    return last


def timers_after(
    done: SetTimers, fired: Iterable[Timer], ran: Limits, after: Dispute, *, book: Rulebook, at: datetime
) -> TimerChanges:
    """Return the timers that are still waited for after the last step, with the next steps of fired ones.

    A timer that is due already when late paper is written down waits for the rest of the paper.

    Args:
        done: What all steps of the unit set.
        fired: Timers that fired in the unit.
        ran: Limits that ran before the unit.
        after: The dispute after it.
        book: Rules.
        at: Business time of the unit.
    """
    running, timers = done.running, dict(done.timers)
    for timer in fired:
        following = None if timer.limit in timers else timing.following(timer, after, running, book)
        if following is not None:
            timers[timer.limit] = following
    if done.late:
        # Nobody is reminded of an end that has passed: so it makes no difference how the paper was divided into units.
        timers |= {timer.limit: timer for timer in timing.overdue(after, running, at)}
    wait = at + timedelta(hours=book.deadlines.paper_wait_hours)
    for limit, timer in list(timers.items()):
        if not timing.waits_for(timer, running):
            del timers[limit]
        elif done.late and timer.due_at <= at:
            timers[limit] = replace(timer, rings_at=wait)
    return TimerChanges(frozenset(limit for limit in ran if limit not in running), timers)
