"""Clauses of limits, for the alarms that report their ends."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from dispute.lifecycle import DateName, Dispute, Milestone
from services.intake.law.deadlines import LimitCase, TermKind, sign_off_of, term_of
from services.intake.law.rulebook import Rulebook
from services.intake.law.state_limits import (
    MILESTONES,
    PRESERVATION_CLAUSE,
    PRESERVED,
    STATE,
    limit_of_state,
    milestone_limits,
)

KIND_OF: dict[str, TermKind] = {
    DateName.SCREEN_BY.value: "screening",
    DateName.DUE_ON.value: "mediation",
    DateName.LOCAL_DUE_ON.value: "local",
    DateName.STATUTORY_DUE_ON.value: "statutory",
}


class ReachedLimit(Struct, frozen=True):
    """Last day of a milestone's limit, and its clause."""

    last_day: date
    clause: str


def milestone_limit(milestone: Milestone, dispute: Dispute, book: Rulebook) -> ReachedLimit | None:
    """Return the limit of a first petition's milestone; None where the county has none."""
    for row, due in milestone_limits(dispute, book, (milestone,)):
        return ReachedLimit(due.day, row.clause)
    return None


def clause_of_limit(limit: str, dispute: Dispute, matter: LimitCase, book: Rulebook) -> str:
    """Return the clause of a limit of a dispute; empty when the rules have no such limit any more."""
    if limit == STATE:
        own = limit_of_state(dispute, book)
        return "" if own is None else own.clause
    if limit == PRESERVED:
        return PRESERVATION_CLAUSE
    if limit in MILESTONES:
        return next((row.clause for row in book.deadlines.milestones if row.milestone == limit), "")
    if limit == DateName.SIGN_BY:
        return sign_off_of(matter.channel, book.deadlines).clause
    term = term_of(KIND_OF[limit], matter, book.deadlines) if limit in KIND_OF else None
    return "" if term is None else term.clause
