"""Composition root of the police bridge: what is this agency's own, put into what all bridges share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.assembly import Bridge, assemble
from bridge.settings import BridgeSettings
from bridge.specification import Trade
from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from hub.runtime.clock import Clock
from hub.service.bus import BusPorts
from services.police_bridge import handlers
from services.police_bridge.adapters import dto, wire
from services.police_bridge.domain.incident import PoliceIncident

TRADE: Final = Trade(
    channel="police",
    service="police_bridge",
    title="警调对接 Police bridge",
    noun="incidents",
    field="incident",
    record=dto.PoliceIncidentDto,
    to_record=dto.PoliceIncidentDto.to_record,
    report=dto.PoliceReportDto,
    prepare=handlers.prepare,
    to_wire=wire.to_wire,
    messages=police_pb2,
    add_servicer=police_pb2_grpc.add_PoliceBridgeServiceServicer_to_server,
    folder=Path(__file__).parent / "adapters",
    example=dto.EXAMPLE,
)


def build(settings: BridgeSettings, bus: BusPorts | None = None, clock: Clock | None = None) -> Bridge[PoliceIncident]:
    """Put the bridge together; starts nothing. Errors as `bridge.assembly.assemble`."""
    return assemble(TRADE, settings, bus, clock)
