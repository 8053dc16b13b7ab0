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
    for row in book.screening.confirmation_bars:
        every = row.applies_to(dispute.dimensions.category, dispute.procedure, circumstances)
        if every or (subjects and row.touches(subjects) == subjects):
            return Bar(CONFIRMATION_BARRED, row.clause)
    return None


def barred_part(order: Agree, book: Rulebook) -> str:
    """Return the clause that bars a part of an agreement; empty when nothing, or all of it, is barred."""
    subjects = frozenset(order.subjects)
    for row in book.screening.confirmation_bars:
        if row.touches(subjects) and row.touches(subjects) != subjects:
            return row.clause
    return ""


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
    """Refuse a milestone whose earlier ones are not reached, where the county has the rule."""
    known = {row.milestone for row in book.deadlines.milestones}
    if milestone not in known:
        return None
    before = MILESTONE_SEQUENCE[: MILESTONE_SEQUENCE.index(milestone)]
    lacking = [each for each in before if each in known and each not in dispute.milestones]
    if not lacking or not book.deadlines.milestones_in_order:
        return None
    clause = next(row.clause for row in book.deadlines.milestones if row.milestone is milestone)
    return Bar(MILESTONE_ORDER, clause)
