"""Turns a petition into a hand-off."""

from __future__ import annotations

from bridge.accepting.handoff_messages import case_received
from dispute.wire.handoff.v1 import handoff_pb2
from services.petition_bridge.record import Petition


def to_wire(petition: Petition) -> handoff_pb2.CaseReceived:
    """Return the facts in clear; parties and brief travel sealed beside them."""
    message = case_received(petition.matter)
    message.received_on = petition.registered_on.isoformat()
    message.case_cause = petition.content_class
    message.purpose = petition.purpose
    message.form = petition.form
    message.recurrence = petition.recurrence
    message.representatives = petition.representatives
    return message
