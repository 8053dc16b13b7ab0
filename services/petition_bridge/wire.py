"""Turns a petition into a hand-off."""

from __future__ import annotations

from bridge.accepting.handoff_messages import case_received
from dispute.wire.handoff.v1 import handoff_pb2
from services.petition_bridge.record import Petition


def to_wire(petition: Petition) -> handoff_pb2.CaseReceived:
    """Return the facts in clear; parties and brief travel sealed beside them."""
    told = case_received(petition.matter)
    told.received_on = petition.registered_on.isoformat()
    told.case_cause = petition.content_class
    told.purpose = petition.purpose
    told.form = petition.form
    told.recurrence = petition.recurrence
    return told
