"""What rules forbid: confirmations, remedies, and milestones out of order."""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

from dispute.lifecycle import (
    Agree,
    ApplyForConfirmation,
    Channel,
    Dispute,
    Instruction,
    Milestone,
    ReachMilestone,
    RecordNonPerformance,
    Remedy,
)
from dispute.refusals.commands import BARRED_BY_RULE, CONFIRMATION_BARRED, MILESTONE_ORDER
from hub.errors import Code
from services.intake.law.clauses import milestone_limit
from services.intake.law.facts import Facts, without_violation
from services.intake.law.rulebook import Rulebook
from services.intake.law.screening import ConfirmationBar, PenaltyRule, within

NO_VIOLATION_CLAUSE: Final = "公安行政案件程序规定 178(2)"
MILESTONE_SEQUENCE: Final = (Milestone.MET, Milestone.INVESTIGATED, Milestone.FED_BACK, Milestone.CONCLUDED)


class Bar(Struct, frozen=True):
    """Why a rule forbids an instruction."""

    code: Code
    clause: str


def bar_of(order: Instruction, dispute: Dispute, facts: Facts | None, book: Rulebook) -> Bar | None:
    """Return why the rules forbid an instruction; None when they allow it."""
    match order:
        case Agree(confirmable=True) | ApplyForConfirmation():
            return _confirmation(order, dispute, facts, book)
        case RecordNonPerformance(target=Remedy.PENALTY_PROCEDURE):
            return Bar(BARRED_BY_RULE, NO_VIOLATION_CLAUSE) if without_violation(facts) else None
        case ReachMilestone(milestone=milestone):
            return _milestone(milestone, dispute, book)
        case _:
            return None


def _confirmation(
    order: Agree | ApplyForConfirmation, dispute: Dispute, facts: Facts | None, book: Rulebook
) -> Bar | None:
    if isinstance(order, ApplyForConfirmation) and order.severed_part:
        return None
    circumstances = facts.circumstances if facts is not None else frozenset()
    subjects = frozenset(order.subjects) if isinstance(order, Agree) else frozenset()
    touching, barred = _touching(subjects, book)
    if subjects and subjects == barred:
        return Bar(CONFIRMATION_BARRED, touching[0].clause)
    for row in book.screening.confirmation_bars:
        if row.applies_to(dispute.dimensions.category, dispute.procedure, circumstances):
            return Bar(CONFIRMATION_BARRED, row.clause)
    return None


def barred_part(order: Agree, dispute: Dispute, book: Rulebook) -> str:
    """Return the clause that bars a part of an agreement; empty when nothing, or all of it, is barred.

    A procedure without confirmation bars all of it, whatever it is about.
    """
    subjects = frozenset(order.subjects)
    touching, barred = _touching(subjects, book)
    rows = book.screening.confirmation_bars
    if not touching or any(row.applies_to("", dispute.procedure, frozenset()) for row in rows):
        return ""
    return "" if subjects == barred else touching[0].clause


def _touching(subjects: frozenset[str], book: Rulebook) -> tuple[list[ConfirmationBar], frozenset[str]]:
    """Return the rules that bar something an agreement is about, and all of what they bar."""
    touching = [row for row in book.screening.confirmation_bars if row.touches(subjects)]
    return touching, frozenset[str]().union(*(row.touches(subjects) for row in touching))


def penalty_of(dispute: Dispute, received_on: date, facts: Facts | None, book: Rulebook) -> PenaltyRule | None:
    """Return the rule by which performance lifts the penalty of a police matter; None when there is no penalty."""
    if dispute.dimensions.channel is not Channel.POLICE or without_violation(facts):
        return None
    for rule in book.screening.penalties:
        if rule.made_by in {"", dispute.made_by} and within(received_on, rule.valid_from, rule.valid_until):
            return rule
    return None


def _milestone(milestone: Milestone, dispute: Dispute, book: Rulebook) -> Bar | None:
    """Refuse a milestone whose earlier ones are not reached, where the county has the rule for this petition."""
    limit = milestone_limit(milestone, dispute, book)
    if limit is None:
        return None
    known = {row.milestone for row in book.deadlines.milestones}
    before = MILESTONE_SEQUENCE[: MILESTONE_SEQUENCE.index(milestone)]
    lacking = [each for each in before if each in known and each not in dispute.milestones]
    if not lacking or not book.deadlines.milestones_in_order:
        return None
    return Bar(MILESTONE_ORDER, limit.clause)
