"""A unit whose tasks are being decided in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from services.intake.cases.membership import Membership
from services.intake.cases.ports import Case, UnitChanges
from services.intake.cases.search import CandidateSearch
from services.intake.law.timer_changes import Limits, SetTimers


@dataclass(slots=True)
class Unit:
    """A unit whose tasks are being decided in memory.

    Attributes:
        before: Its disputes as they were.
        cases: As they stand now.
        named: Other disputes that exist and are named by its tasks.
        at: Business time.
        now: Wall clock.
        links: Links between disputes.
        search: Candidates of new cases; None when none is compared.
        set_timers: What the steps of its disputes set.
        changes: What it writes.
        records: Its events, as (dispute id, record).
        ran: Limits that ran for its disputes before it.
    """

    before: dict[str, Case]
    cases: dict[str, Case]
    named: frozenset[str]
    at: datetime
    now: datetime
    links: Membership
    search: CandidateSearch | None
    set_timers: dict[str, SetTimers] = field(default_factory=dict)
    changes: UnitChanges = field(default_factory=UnitChanges)
    records: list[tuple[str, bytes]] = field(default_factory=list)
    ran: dict[str, Limits] = field(default_factory=dict)
