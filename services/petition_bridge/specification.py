"""Specification of the petition bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.specification import Specification
from dispute.wire.petition.v1 import petition_pb2, petition_pb2_grpc
from services.petition_bridge.dto import PetitionDto, PetitionReportDto
from services.petition_bridge.record import admitted
from services.petition_bridge.wire import to_wire

SPECIFICATION: Final = Specification(
    channel="petition",
    title="访调对接 Petition bridge",
    noun="petitions",
    record=PetitionDto,
    report=PetitionReportDto,
    admitted=admitted,
    to_wire=to_wire,
    messages=petition_pb2,
    servicers=petition_pb2_grpc,
    folder=Path(__file__).parent,
)
