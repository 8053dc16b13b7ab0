"""Turns a suit into a hand-off."""

from __future__ import annotations

from bridge.accepting.handoff_messages import case_received
from dispute.wire.handoff.v1 import handoff_pb2
from services.court_bridge.record import CourtCase


def to_wire(case: CourtCase) -> handoff_pb2.CaseReceived:
    """Return the facts in clear; parties and brief travel sealed beside them."""
    message = case_received(case.matter)
    message.received_on = case.received_on.isoformat()
    message.filed_on = case.filed_on.isoformat() if case.filed_on else ""
    message.case_cause = case.cause_code
    message.procedure = case.procedure
    message.suit_kind = case.suit_kind
    message.amount_fen = case.amount_fen
    message.preserved_on = case.preserved_on.isoformat() if case.preserved_on else ""
    return message
