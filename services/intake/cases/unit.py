"""A unit whose tasks are being decided in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dispute.lifecycle import Dispute
from services.intake.cases.membership import Membership
from services.intake.cases.ports import Case, UnitChanges
from services.intake.cases.search import CandidateSearch
from services.intake.law.rulebook import Rulebook
from services.intake.law.timers import Running, running


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
        late: Disputes of which something was written down late.
        changes: What it writes.
        records: Its events, as (dispute id, record).
        ran: Limits that ran at the states met so far; several steps ask for those of one state.
    """

    before: dict[str, Case]
    cases: dict[str, Case]
    named: frozenset[str]
    at: datetime
    now: datetime
    links: Membership
    search: CandidateSearch | None
    late: set[str] = field(default_factory=set)
    changes: UnitChanges = field(default_factory=UnitChanges)
    records: list[tuple[str, bytes]] = field(default_factory=list)
    ran: dict[int, tuple[Dispute, Mapping[str, Running]]] = field(default_factory=dict)

    def running(self, dispute: Dispute, book: Rulebook) -> Mapping[str, Running]:
        """Return the limits that run for a dispute in one of its states."""
        kept = self.ran.get(id(dispute))
        if kept is None or kept[0] is not dispute:
            kept = self.ran[id(dispute)] = (dispute, running(dispute, book))
        return kept[1]
