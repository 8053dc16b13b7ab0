"""Composition root of the court bridge: what is this agency's own, put into what all bridges share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.assembly import Bridge, assemble
from bridge.settings import BridgeSettings
from bridge.specification import Trade
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from hub.runtime.clock import Clock
from hub.service.bus import BusPorts
from services.court_bridge import handlers
from services.court_bridge.adapters import dto, wire
from services.court_bridge.domain.case import CourtCase

TRADE: Final = Trade(
    channel="court",
    service="court_bridge",
    title="诉调对接 Court bridge",
    noun="cases",
    field="court_case",
    record=dto.CourtCaseDto,
    to_record=dto.CourtCaseDto.to_record,
    report=dto.CourtReportDto,
    prepare=handlers.prepare,
    to_wire=wire.to_wire,
    messages=court_pb2,
    add_servicer=court_pb2_grpc.add_CourtBridgeServiceServicer_to_server,
    folder=Path(__file__).parent / "adapters",
    example=dto.EXAMPLE,
)


def build(settings: BridgeSettings, bus: BusPorts | None = None, clock: Clock | None = None) -> Bridge[CourtCase]:
    """Put the bridge together; starts nothing. Errors as `bridge.assembly.assemble`."""
    return assemble(TRADE, settings, bus, clock)
