"""Keeps what another person approved (四眼), with the dispute."""

from __future__ import annotations

from collections.abc import Sequence

from dispute.access.roles import role_table
from dispute.lifecycle import Command
from dispute.refusals.interfaces import APPROVER_NOT_NAMED, NEEDS_NO_SECOND, UNKNOWN_DISPUTE
from hub.access.verifier import Caller
from hub.errors import Refusal
from hub.refusals import NOT_FOR_ROLE
from services.intake.cases.ports import DisputeRegister
from services.intake.cases.rights import Approval, digest_of, is_within


def approve(register: DisputeRegister, caller: Caller, asked: Sequence[Command | Refusal]) -> list[Refusal | None]:
    """Keep approvals of what disputes are to be told in their present states; each replaces an earlier one.

    Args:
        register: Bound to the transaction.
        caller: Who approves.
        asked: What another person is going to give; only dispute and instruction count. A refusal stays one.

    Returns:
        For each why not; None when it is kept.
    """
    ids = {each.dispute_id for each in asked if isinstance(each, Command)}
    register.lock(ids)
    cases = register.cases(ids)
    kept: dict[str, Approval] = {}
    refused: list[Refusal | None] = []
    for each in asked:
        why = each if isinstance(each, Refusal) else _refusal(caller, each)
        if why is None and isinstance(each, Command):
            case = cases.get(each.dispute_id)
            if case is None or not is_within(caller.area, case.dispute):
                why = UNKNOWN_DISPUTE.refusal()
            else:
                digest = digest_of(each.instruction)
                kept[each.dispute_id] = Approval(case.dispute.sequence, digest, caller.holder, caller.role)
        refused.append(why)
    register.approve(kept)
    return refused


def _refusal(caller: Caller, command: Command) -> Refusal | None:
    second = role_table().second_of(type(command.instruction))
    if not second:
        return NEEDS_NO_SECOND.refusal()
    if caller.role not in {str(role) for role in second}:
        return NOT_FOR_ROLE.refusal()
    if getattr(command.instruction, "reviewer_id", caller.holder) != caller.holder:
        return APPROVER_NOT_NAMED.refusal()
    return None
