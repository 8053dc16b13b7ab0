"""A unit whose tasks are being decided in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from msgspec.structs import replace

from services.intake.cases.case_numbers import CaseNumbers
from services.intake.cases.membership import Membership
from services.intake.cases.ports import NO_TIMERS, Case, UnitChanges
from services.intake.cases.search import CandidateSearch
from services.intake.law import timers as timing
from services.intake.law.rulebook import Rulebook
from services.intake.law.steps import Step
from services.intake.law.timer_changes import nothing_set, set_by, timers_after
from services.intake.law.timers import Timer


@dataclass(slots=True)
class Unit:
    """A unit whose tasks are being decided in memory.

    Attributes:
        before: Its disputes as they were.
        cases: As they stand now.
        named: Other disputes that exist and are named by its tasks.
        at: Business time.
        today: Its day.
        now: Wall clock.
        links: Links between disputes.
        search: Candidates of new cases; None when none is compared.
        numbers: Of new cases.
        steps: Of its disputes, in order.
        changes: What it writes.
        records: Its events, as (dispute id, record).
    """

    before: dict[str, Case]
    cases: dict[str, Case]
    named: frozenset[str]
    at: datetime
    today: date
    now: datetime
    links: Membership
    search: CandidateSearch | None
    numbers: CaseNumbers
    steps: dict[str, list[Step]] = field(default_factory=dict)
    changes: UnitChanges = field(default_factory=UnitChanges)
    records: list[tuple[str, bytes]] = field(default_factory=list)

    def keep(self, dispute_id: str, case: Case) -> None:
        """Keep a dispute as it stands now, to be written."""
        self.cases[dispute_id] = case
        (self.changes.changed if dispute_id in self.before else self.changes.added)[dispute_id] = case


def note_differences(changes: UnitChanges, before: Mapping[str, Case]) -> None:
    """Fill in what the changed disputes became: years they wait for, links, levels of supervision.

    After their last change.

    Args:
        changes: Of the unit.
        before: The changed disputes as they were.
    """
    for dispute_id, case in (*changes.added.items(), *changes.changed.items()):
        was, now = before.get(dispute_id), case.dispute
        if now.missing_years != (frozenset() if was is None else was.dispute.missing_years):
            changes.missing_years[dispute_id] = now.missing_years
        if now.master_dispute_id != ("" if was is None else was.dispute.master_dispute_id):
            changes.members[dispute_id] = now.master_dispute_id
        if was is not None and now.supervision is not was.dispute.supervision:
            changes.supervision[dispute_id] = now.supervision


def settle_timers(unit: Unit, fired: Sequence[Timer], book: Rulebook) -> None:
    """Settle the timers of every dispute that a step or an alarm touched."""
    of_dispute: dict[str, list[Timer]] = {dispute_id: [] for dispute_id in unit.steps}
    for timer in fired:
        of_dispute.setdefault(timer.dispute_id, []).append(timer)
    for dispute_id, its in of_dispute.items():
        was, steps = unit.before.get(dispute_id), unit.steps.get(dispute_id)
        ran, had = ({}, NO_TIMERS) if was is None else (timing.running(was.dispute, book), was.timers)
        done = set_by(ran, steps, book, unit.at) if steps else nothing_set(ran)
        changes = timers_after(done, its, ran, unit.cases[dispute_id].dispute, book=book, at=unit.at)
        timers = changes.applied(had, its)
        if timers != had:
            unit.keep(dispute_id, replace(unit.cases[dispute_id], timers=timers))
