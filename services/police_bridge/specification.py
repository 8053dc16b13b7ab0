"""Specification of the police bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.specification import Specification
from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from services.police_bridge.dto import PoliceIncidentDto, PoliceReportDto
from services.police_bridge.record import admitted
from services.police_bridge.wire import to_wire

SPECIFICATION: Final = Specification(
    channel="police",
    title="警调对接 Police bridge",
    noun="incidents",
    record=PoliceIncidentDto,
    report=PoliceReportDto,
    admitted=admitted,
    to_wire=to_wire,
    messages=police_pb2,
    servicers=police_pb2_grpc,
    folder=Path(__file__).parent,
)
