"""A client of intake's register: commands, disputes, histories."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from stubs.dispute.v1 import command_pb2
from stubs.handoff.v1 import handoff_pb2
from stubs.intake.v1 import intake_pb2
from stubs.journal.v1 import journal_pb2

CALL_S = 20.0


def order(dispute_id: str, name: str, at: datetime, role: str, **told: object) -> command_pb2.Command:
    """Return one command; `told` are the fields of its instruction."""
    command = command_pb2.Command(
        command_id=str(uuid4()), dispute_id=dispute_id, actor=command_pb2.Actor(role=role, actor_id=f"{role}-1")
    )
    command.occurred_at.FromDatetime(at)
    instruction = getattr(command, name)
    instruction.SetInParent()
    for field, value in told.items():
        setattr(instruction, field, value)
    return command


class Register:
    """A client of intake."""

    def __init__(self, stub: Any) -> None:  # noqa: ANN401 - stubs are untyped
        self.stub = stub

    async def execute(self, *commands: command_pb2.Command) -> list[str]:
        """Carry commands out; returns the codes of refusals."""
        answer = await self.stub.ExecuteBatch(intake_pb2.ExecuteBatchRequest(commands=commands), timeout=CALL_S)
        return [result.refusal.code for result in answer.results if result.WhichOneof("result") == "refusal"]

    async def dispute(self, dispute_id: str) -> intake_pb2.Dispute:
        answer = await self.stub.GetDispute(intake_pb2.GetDisputeRequest(dispute_id=dispute_id), timeout=CALL_S)
        return answer.dispute

    async def history(self, dispute_id: str) -> list[journal_pb2.JournalEvent]:
        answer = await self.stub.GetHistory(intake_pb2.GetHistoryRequest(dispute_id=dispute_id), timeout=CALL_S)
        return list(answer.events)

    async def window(self, ref: str, at: datetime) -> str:
        """Register a case of the centre's own window."""
        request = intake_pb2.SubmitRequest(
            channel="window",
            source_organ="window-620725",
            source_ref=ref,
            actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
            facts=handoff_pb2.CaseReceived(
                county_code="620725",
                town_code="620725101",
                category="06",
                case_cause="contract",
                relation_clarity="clear",
                facts_clarity="clear",
                consents=[handoff_pb2.Consent(role=role, answer="given") for role in ("applicant", "respondent")],
                recurrence="first",
                scale="individual",
            ),
        )
        request.occurred_at.FromDatetime(at)
        answer = await self.stub.Submit(request, timeout=CALL_S)
        return str(answer.receipt.dispute_id)
