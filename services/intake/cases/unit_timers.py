"""Sets the timers of a unit's disputes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from dispute.lifecycle import Dispute, Event, Role
from services.intake.cases.unit import Unit
from services.intake.law import timers as timing
from services.intake.law.rulebook import Rulebook
from services.intake.law.timers import Timer


def set_timers(unit: Unit, before: Dispute | None, steps: Sequence[tuple[Event, Dispute]], book: Rulebook) -> None:
    """Note the timers that the steps set, and whether a step was written down late."""
    ran = unit.running(before, book) if before is not None else {}
    late_from = unit.at - timedelta(hours=book.deadlines.paper_after_hours)
    for event, after in steps:
        now = unit.running(after, book)
        for timer in timing.changed_by(event, ran, after, now, book):
            unit.changes.timers[timer.dispute_id, timer.limit] = timer
        ran = now
        # What the hub does by itself is no paper: a timer that fires late reports a limit of its own time.
        if event.occurred_at < late_from and event.actor_role is not Role.SYSTEM:
            unit.late.add(event.dispute_id)


def settle_timers(unit: Unit, fired: Sequence[Timer], book: Rulebook) -> None:
    """Keep the timers that are still waited for after the last change, and set the next steps of fired ones.

    A timer that is due already when late paper is written down waits for the rest of the paper.
    """
    changes = unit.changes
    running = {dispute_id: unit.running(unit.cases[dispute_id].dispute, book) for dispute_id in _timed(unit, fired)}
    for timer in fired:
        key = (timer.dispute_id, timer.limit)
        case = unit.cases.get(timer.dispute_id)
        if case is not None and key not in changes.timers:
            following = timing.following(timer, case.dispute, running[timer.dispute_id], book)
            if following is not None:
                changes.timers[key] = following
    for dispute_id in unit.late:
        for timer in timing.overdue(unit.cases[dispute_id].dispute, running[dispute_id], unit.at):
            changes.timers.setdefault((dispute_id, timer.limit), timer)
    wait = unit.at + timedelta(hours=book.deadlines.paper_wait_hours)
    for key, timer in list(changes.timers.items()):
        if not timing.waits_for(timer, running[timer.dispute_id]):
            del changes.timers[key]
        elif timer.dispute_id in unit.late and timer.due_at <= unit.at:
            changes.timers[key] = replace(timer, rings_at=wait)
    for dispute_id in changes.changed:
        ran = unit.running(unit.before[dispute_id].dispute, book)
        changes.cleared.update((dispute_id, limit) for limit in ran if limit not in running[dispute_id])


def _timed(unit: Unit, fired: Sequence[Timer]) -> set[str]:
    """Return the disputes whose timers may have to change."""
    of = {dispute_id for dispute_id, _ in unit.changes.timers} | unit.changes.changed.keys() | unit.late
    return of | {timer.dispute_id for timer in fired if timer.dispute_id in unit.cases}
