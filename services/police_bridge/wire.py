"""Turns an incident into a hand-off."""

from __future__ import annotations

from bridge.accepting.handoff_messages import case_received
from dispute.calendar.days import business_day
from dispute.wire.handoff.v1 import handoff_pb2
from services.police_bridge.record import PoliceIncident


def to_wire(incident: PoliceIncident) -> handoff_pb2.CaseReceived:
    """Return the facts in clear; parties, brief and place travel sealed beside them."""
    message = case_received(incident.matter)
    message.received_on = business_day(incident.called_at).isoformat()
    message.case_cause = incident.police_class
    message.class_as_called = incident.class_as_called
    return message
