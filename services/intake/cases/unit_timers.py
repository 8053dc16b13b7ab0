"""Sets the timers of a unit's disputes."""

from __future__ import annotations

from collections.abc import Sequence

from services.intake.cases.unit import Unit
from services.intake.law import timers as timing
from services.intake.law.rulebook import Rulebook
from services.intake.law.timer_changes import nothing_set, set_by, timers_after
from services.intake.law.timers import Timer


def settle_timers(unit: Unit, fired: Sequence[Timer], book: Rulebook) -> None:
    """Settle the timers of every dispute that a step or an alarm touched."""
    of_dispute: dict[str, list[Timer]] = {dispute_id: [] for dispute_id in unit.steps}
    for timer in fired:
        if timer.dispute_id in unit.cases:
            of_dispute.setdefault(timer.dispute_id, []).append(timer)
    for dispute_id, its in of_dispute.items():
        was, steps = unit.before.get(dispute_id), unit.steps.get(dispute_id)
        ran = {} if was is None else timing.running(was.dispute, book)
        done = set_by(ran, steps, book, unit.at) if steps else nothing_set(ran)
        changes = timers_after(done, its, ran, unit.cases[dispute_id].dispute, book=book, at=unit.at)
        unit.changes.cleared.update((dispute_id, limit) for limit in changes.cleared)
        unit.changes.timers.update({(dispute_id, limit): timer for limit, timer in changes.timers.items()})
