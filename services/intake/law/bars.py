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
from services.intake.law.facts import Facts
from services.intake.law.rulebook import Rulebook
from services.intake.law.screening import PenaltyRule, within

NOT_A_VIOLATION: Final = "not_a_violation"
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
            innocent = facts is not None and NOT_A_VIOLATION in facts.circumstances
            return Bar(BARRED_BY_RULE, NO_VIOLATION_CLAUSE) if innocent else None
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
    barred = [row for row in book.screening.confirmation_bars if row.touches(subjects)]
    if subjects and subjects == frozenset().union(*(row.touches(subjects) for row in barred)):
        return Bar(CONFIRMATION_BARRED, barred[0].clause)
    for row in book.screening.confirmation_bars:
        if row.applies_to(dispute.dimensions.category, dispute.procedure, circumstances):
            return Bar(CONFIRMATION_BARRED, row.clause)
    return None


def barred_part(order: Agree, dispute: Dispute, book: Rulebook) -> str:
    """Return the clause that bars a part of an agreement; empty when nothing, or all of it, is barred.

    A procedure without confirmation bars all of it, whatever it is about.
    """
    subjects = frozenset(order.subjects)
    rows = book.screening.confirmation_bars
    barred = [row for row in rows if row.touches(subjects)]
    if not barred or any(row.applies_to("", dispute.procedure, frozenset()) for row in rows):
        return ""
    return "" if subjects == frozenset().union(*(row.touches(subjects) for row in barred)) else barred[0].clause


def penalty_of(dispute: Dispute, received_on: date, facts: Facts | None, book: Rulebook) -> PenaltyRule | None:
    """Return the rule by which performance lifts the penalty of a police matter; None when there is no penalty."""
    innocent = facts is not None and NOT_A_VIOLATION in facts.circumstances
    if dispute.dimensions.channel is not Channel.POLICE or innocent:
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
