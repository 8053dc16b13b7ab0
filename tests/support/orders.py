"""Commands of people, as intake gets them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from dispute.access.roles import BY_INSTRUCTION, role_table
from dispute.contracts.codec import TYPE_OF, timestamp_of
from dispute.lifecycle.identity import NAMESPACE
from dispute.wire.dispute.v1 import command_pb2
from tests.support.intake_rig import HANDED_OVER

USUAL = ("clerk", "mediator", "dispatcher", "handler", "reviewer", "leader", "court")


def giver_of(name: str) -> tuple[str, str]:
    """Return somebody who may give an instruction in some state."""
    able = {role for row in BY_INSTRUCTION[TYPE_OF[name]] for role in role_table().commands[row.id].by}
    role = next(role for role in USUAL if role in able)
    return role, f"{role}-1"


def order(
    dispute_id: str,
    name: str,
    at: datetime = HANDED_OVER + timedelta(hours=1),
    *,
    actor: tuple[str, str] | None = None,
    command_id: str = "",
    **fields: Any,  # noqa: ANN401 - fields of the instruction
) -> command_pb2.Command:
    """Return a command; its id is made of its content unless given, its actor is one who may give it."""
    actor = actor or giver_of(name)
    made = command_id or str(uuid5(NAMESPACE, f"{dispute_id}/{name}/{at}/{sorted(fields)}"))
    command = command_pb2.Command(
        command_id=made,
        dispute_id=dispute_id,
        actor=command_pb2.Actor(role=actor[0], actor_id=actor[1]),
        occurred_at=timestamp_of(at),
    )
    instruction = getattr(command, name)
    instruction.SetInParent()
    for field_name, value in fields.items():
        setattr(instruction, field_name, value)
    return command


def to_mediation(dispute_id: str, at: datetime = HANDED_OVER + timedelta(hours=1)) -> Sequence[command_pb2.Command]:
    """Return the commands from acceptance to the mediation's beginning, an hour apart."""
    hour = timedelta(hours=1)
    return [
        order(
            dispute_id,
            "dispatch",
            at,
            actor=("dispatcher", "dispatcher-1"),
            lead_department="justice_bureau",
            level="township",
            dispatch_mode="assigned",
        ),
        order(dispute_id, "sign", at + hour, actor=("handler", "handler-1")),
        order(
            dispute_id,
            "begin_mediation",
            at + 2 * hour,
            actor=("mediator", "mediator-1"),
            mediator_id="mediator-1",
            mediation_kind="people",
            parties_accepted_mediator=True,
            no_conflict_of_interest=True,
            rights_notice_given=True,
        ),
    ]


def agree(dispute_id: str, at: datetime) -> command_pb2.Command:
    return order(
        dispute_id,
        "agree",
        at,
        actor=("mediator", "mediator-1"),
        outcome_form="agreement",
        signed_by_all=True,
        made_by="people_committee",
        confirmable=True,
    )
