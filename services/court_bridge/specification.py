"""Specification of the court bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.specification import Specification
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from services.court_bridge.dto import CourtCaseDto, CourtReportDto
from services.court_bridge.record import admitted
from services.court_bridge.wire import to_wire

SPECIFICATION: Final = Specification(
    channel="court",
    title="诉调对接 Court bridge",
    noun="cases",
    record=CourtCaseDto,
    report=CourtReportDto,
    admitted=admitted,
    to_wire=to_wire,
    messages=court_pb2,
    servicers=court_pb2_grpc,
    folder=Path(__file__).parent,
)
