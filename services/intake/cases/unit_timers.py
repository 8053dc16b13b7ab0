"""Sets the timers of a unit's disputes."""

from __future__ import annotations

from collections.abc import Sequence

from dispute.lifecycle import Dispute
from services.intake.cases.unit import Unit
from services.intake.law import timers as timing
from services.intake.law.rulebook import Rulebook
from services.intake.law.steps import Step
from services.intake.law.timer_changes import Limits, nothing_set, set_by, timers_after
from services.intake.law.timers import Timer


def set_timers(unit: Unit, before: Dispute | None, steps: Sequence[Step], book: Rulebook) -> None:
    """Note the timers that the steps of a task set."""
    dispute_id = steps[-1][1].dispute_id
    known = unit.set_timers.get(dispute_id)
    ran = known.running if known is not None else _ran(unit, dispute_id, before, book)
    new = set_by(ran, steps, book, unit.at)
    unit.set_timers[dispute_id] = new if known is None else known.then(new)


def settle_timers(unit: Unit, fired: Sequence[Timer], book: Rulebook) -> None:
    """Settle the timers of every dispute that a step or an alarm touched."""
    of_dispute: dict[str, list[Timer]] = {dispute_id: [] for dispute_id in unit.set_timers}
    for timer in fired:
        if timer.dispute_id in unit.cases:
            of_dispute.setdefault(timer.dispute_id, []).append(timer)
    for dispute_id, its in of_dispute.items():
        was = unit.before.get(dispute_id)
        ran = _ran(unit, dispute_id, None if was is None else was.dispute, book)
        done = unit.set_timers.get(dispute_id) or nothing_set(ran)
        changes = timers_after(done, its, ran, unit.cases[dispute_id].dispute, book=book, at=unit.at)
        unit.changes.cleared.update((dispute_id, limit) for limit in changes.cleared)
        unit.changes.timers.update({(dispute_id, limit): timer for limit, timer in changes.timers.items()})


def _ran(unit: Unit, dispute_id: str, before: Dispute | None, book: Rulebook) -> Limits:
    """Return the limits that ran for a dispute before the unit."""
    if dispute_id not in unit.ran:
        unit.ran[dispute_id] = {} if before is None else timing.running(before, book)
    return unit.ran[dispute_id]
