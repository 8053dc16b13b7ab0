"""Composition root of the petition bridge: what is this agency's own, put into what all bridges share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.assembly import Bridge, assemble
from bridge.settings import BridgeSettings
from bridge.specification import Trade
from dispute.wire.petition.v1 import petition_pb2, petition_pb2_grpc
from hub.runtime.clock import Clock
from hub.service.bus import BusPorts
from services.petition_bridge import handlers
from services.petition_bridge.adapters import dto, wire
from services.petition_bridge.domain.petition import Petition

TRADE: Final = Trade(
    channel="petition",
    service="petition_bridge",
    title="访调对接 Petition bridge",
    noun="petitions",
    field="petition",
    record=dto.PetitionDto,
    to_record=dto.PetitionDto.to_record,
    report=dto.PetitionReportDto,
    prepare=handlers.prepare,
    to_wire=wire.to_wire,
    messages=petition_pb2,
    add_servicer=petition_pb2_grpc.add_PetitionBridgeServiceServicer_to_server,
    folder=Path(__file__).parent / "adapters",
    example=dto.EXAMPLE,
)


def build(settings: BridgeSettings, bus: BusPorts | None = None, clock: Clock | None = None) -> Bridge[Petition]:
    """Put the bridge together; starts nothing. Errors as `bridge.assembly.assemble`."""
    return assemble(TRADE, settings, bus, clock)
