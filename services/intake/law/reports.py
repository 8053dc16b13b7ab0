"""What a source recorded of a case, from its hand-over on.

It holds what rules look at, in the order in which it was written down, so that other rules can be tried on it.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct, json
from msgspec.structs import replace

from services.intake.law.facts import Facts
from services.intake.law.handoff import Arrival, Body, LaterFact, Withdrawal

REMEMBERED: Final = 4096
CHANGES: Final = frozenset({"consent_given", "consent_refused", "clarified", "reclassified"})
"""Kinds that change what the screening looks at."""


class SourceReport(Struct, frozen=True, omit_defaults=True):
    """One thing that the source reported.

    Attributes:
        at: When it happened, by the source's clock.
        about: Facts of a hand-over, or what came later.
        after: Events that the dispute had before it.
        wrote: Events that it caused; not counted for the first hand-over, whose events tell it.
        written: Business time of its writing; None for the first hand-over, whose events tell it.
    """

    at: datetime
    about: Facts | LaterFact | Withdrawal
    after: int = 0
    wrote: int = 0
    written: datetime | None = None


class SourceReports(Struct, frozen=True):
    """Everything that the source reported, in order."""

    reports: tuple[SourceReport, ...]

    @property
    def facts(self) -> Facts | None:
        """The facts as they stand now; None without a hand-over."""
        facts: Facts | None = None
        for each in self.reports:
            facts = with_report(facts, each.about)
        return facts


def report_of(at: datetime, body: Body) -> SourceReport | None:
    """Return what is kept of a hand-off; None when its events tell everything.

    A withdrawal is kept too: under other rules it may meet the case in another state.
    """
    match body:
        case Arrival(facts=facts):
            return SourceReport(at, facts)
        case Withdrawal():
            return SourceReport(at, body)
        case LaterFact() if body.kind in CHANGES:
            return SourceReport(at, body)
        case _:
            return None


def with_report(facts: Facts | None, about: Facts | LaterFact | Withdrawal) -> Facts | None:
    """Return the facts with what was reported last."""
    if isinstance(about, Facts):
        return about
    if facts is None or not isinstance(about, LaterFact) or about.kind not in CHANGES:
        return facts
    consents = facts.consents
    if about.consent is not None:
        given = about.consent
        consents = (*(each for each in consents if each.role != given.role), given)
    return replace(
        facts,
        consents=consents,
        category=about.category or facts.category,
        case_cause=about.case_cause or facts.case_cause,
        relation_clarity=about.relation_clarity or facts.relation_clarity,
        facts_clarity=about.facts_clarity or facts.facts_clarity,
    )


def first_report(at: datetime, facts: Facts) -> bytes:
    """Return the record of a new case, as JSON."""
    return json.encode(SourceReports((SourceReport(at, facts),)), order="deterministic")


def with_further(recorded: bytes, report: SourceReport) -> bytes:
    """Return the record with one more thing reported."""
    known = reports_from_bytes(recorded)
    return json.encode(SourceReports((*known.reports, report)), order="deterministic")


def reports_from_bytes(recorded: bytes) -> SourceReports:
    """Return the record of its JSON; empty when none was kept."""
    return json.decode(recorded, type=SourceReports) if recorded else SourceReports(())


@lru_cache(maxsize=REMEMBERED)
def facts_from_bytes(recorded: bytes) -> Facts | None:
    """Return the facts of a record as they stand now; None when none were kept."""
    return reports_from_bytes(recorded).facts
