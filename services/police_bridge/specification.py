"""Specification of the police bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.specification import SealedRecord, Specification
from dispute.refusals.interfaces import PENALTY_SEALED
from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from services.police_bridge.dto import PoliceIncidentDto, PoliceReportDto
from services.police_bridge.record import admitted
from services.police_bridge.wire import to_wire

PENALTY: Final = SealedRecord(
    path="penalty",
    call="GetPenalty",
    code=PENALTY_SEALED,
    text="""治安处罚记录：封存，不予提供 Public-security penalty: sealed, given to nobody
不论编号、单位一律 403。403 for every reference and every agency（治安管理处罚法 136）.""",
)

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
    sealed=(PENALTY,),
)
