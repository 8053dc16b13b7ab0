"""Who may cause an event: the role by the table, the area of the credential, and where two persons are needed, both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, json

from dispute.access.roles import role_table
from dispute.lifecycle import Command, Dispute, Instruction
from dispute.refusals.interfaces import SECOND_PERSON_MISSING, UNKNOWN_DISPUTE
from hub.access.credential import reaches
from hub.access.verifier import Caller
from hub.errors import Refusal
from hub.refusals import NOT_FOR_ROLE
from services.intake.law.steps import Step

_encode: Final = json.Encoder(order="deterministic").encode


class Approval(Struct, frozen=True):
    """What another person approved, before it is given (四眼).

    Attributes:
        sequence: Of the dispute as that person saw it; what happened since is not approved.
        digest: SHA-256 of the instruction, hex.
        holder: Pseudonym of that person.
        role: Role of that person.
    """

    sequence: int
    digest: str
    holder: str
    role: str

    def holds(self, dispute: Dispute, digest: str, holder: str) -> bool:
        """Tell whether somebody else approved just this, of the dispute as it is."""
        return (self.sequence, self.digest) == (dispute.sequence, digest) and self.holder != holder


_decode: Final = json.Decoder(Approval).decode


def approval_to_bytes(its: Approval) -> bytes:
    """Return the stored form of an approval."""
    return _encode(its)


def approval_from_bytes(stored: bytes | None) -> Approval | None:
    """Return a stored approval; None where there is none."""
    return None if stored is None else _decode(stored)


class Act(Struct, frozen=True):
    """What a caller does, as the audit has it.

    Attributes:
        caller: Who.
        call: RPC.
        what: Name of the instruction.
        correlation_id: Of the call.
    """

    caller: Caller
    call: str
    what: str
    correlation_id: str


class Giver(Struct, frozen=True):
    """Who gives a command, and what of it another person may have approved.

    Attributes:
        caller: Who gives it.
        command: What is given.
        approval: What is approved of the dispute; None when nothing is.
    """

    caller: Caller
    command: Command
    approval: Approval | None = None


def digest_of(instruction: Instruction) -> str:
    """Return the digest of an instruction, by which an approval names it."""
    return hashlib.sha256(type(instruction).__name__.encode() + _encode(instruction)).hexdigest()


def refusal_to_begin(caller: Caller, command: Command, dispute: Dispute) -> Refusal | None:
    """Return why a caller may not give a command to a dispute in its state, whatever the command would come to.

    A dispute outside of the caller's area is answered like one that does not exist.
    """
    if not is_within(caller.area, dispute):
        return UNKNOWN_DISPUTE.refusal()
    if not role_table().may_begin(command.actor.role, type(command.instruction), dispute.state):
        return NOT_FOR_ROLE.refusal()
    return None


def is_within(area: str, dispute: Dispute) -> bool:
    """Tell whether a dispute is in the area of a credential."""
    of = dispute.dimensions
    return reaches(area, of.town_code or of.county_code)


def refusal_to_cause(giver: Giver, before: Dispute | None, steps: Sequence[Step]) -> Refusal | None:
    """Return why somebody may not cause events; None when they may."""
    table, role = role_table(), giver.command.actor.role
    for event, _ in steps:
        if not table.may_give(role, event.transition):
            return NOT_FOR_ROLE.refusal()
        second = table.commands[event.transition].second
        if second and not _is_approved(giver, before, {str(each) for each in second}):
            return SECOND_PERSON_MISSING.refusal()
    return None


def _is_approved(giver: Giver, before: Dispute | None, second: set[str]) -> bool:
    its = giver.approval
    return (
        its is not None
        and before is not None
        and its.role in second
        and its.holds(before, digest_of(giver.command.instruction), giver.caller.holder)
    )
