"""A unit whose tasks are being decided in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.intake.cases.case_numbers import CaseNumbers
from services.intake.cases.membership import Membership
from services.intake.cases.ports import Case, UnitChanges
from services.intake.cases.search import CandidateSearch
from services.intake.law.steps import Step


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
