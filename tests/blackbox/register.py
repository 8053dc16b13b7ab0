"""A client of intake's register: commands, disputes, histories, its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import uuid4

import grpc
from stubs.dispute.v1 import command_pb2
from stubs.handoff.v1 import handoff_pb2
from stubs.intake.v1 import intake_pb2, intake_pb2_grpc
from stubs.journal.v1 import journal_pb2
from stubs.stream.v1 import stream_pb2

from tests.blackbox.hubs import COUNTY, ZONE, RunningHub
from tests.blackbox.staff import Staff

CALL_S = 20.0
HOUR: Final = timedelta(hours=1)
ACCEPTED_MEDIATOR: Final = ("parties_accepted_mediator", "no_conflict_of_interest", "rights_notice_given")
AGREEMENT: Final[Mapping[str, object]] = {
    "outcome_form": "agreement",
    "signed_by_all": True,
    "made_by": "people_committee",
}


def at(day: str, hour: int = 9) -> datetime:
    """Return an hour of a day in Asia/Shanghai."""
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=ZONE)


def order(dispute_id: str, name: str, at: datetime, role: str, **told: object) -> command_pb2.Command:
    """Return one command; `told` are the fields of its instruction, a list for a repeated one."""
    command = command_pb2.Command(
        command_id=str(uuid4()), dispute_id=dispute_id, actor=command_pb2.Actor(role=role, actor_id=f"{role}-1")
    )
    command.occurred_at.FromDatetime(at)
    instruction = getattr(command, name)
    instruction.SetInParent()
    for field, value in told.items():
        if isinstance(value, list):
            getattr(instruction, field).extend(value)
        else:
            setattr(instruction, field, value)
    return command


def signed(dispute_id: str, at: datetime) -> list[command_pb2.Command]:
    """Return the commands of a dispatch and its signature, an hour apart; the term runs from the signature."""
    lead = {"lead_department": "justice_bureau", "level": "township", "dispatch_mode": "assigned"}
    return [
        order(dispute_id, "dispatch", at, "dispatcher", **lead),
        order(dispute_id, "sign", at + HOUR, "handler"),
    ]


def begun(dispute_id: str, at: datetime, kind: str = "people") -> command_pb2.Command:
    """Return the command by which a mediation begins."""
    accepted = dict.fromkeys(ACCEPTED_MEDIATOR, True)
    return order(dispute_id, "begin_mediation", at, "mediator", mediator_id="m-1", mediation_kind=kind, **accepted)


def in_mediation(dispute_id: str, at: datetime, kind: str = "people") -> list[command_pb2.Command]:
    """Return the commands from the dispatch to the mediation, an hour apart."""
    return [*signed(dispute_id, at), begun(dispute_id, at + 2 * HOUR, kind)]


def agreed(dispute_id: str, at: datetime, **told: object) -> command_pb2.Command:
    """Return the command of an agreement that a people's committee made."""
    return order(dispute_id, "agree", at, "mediator", **AGREEMENT, **told)


class Register:
    """A client of intake."""

    def __init__(self, stub: Any, staff: Staff) -> None:  # noqa: ANN401 - stubs are untyped
        self.stub: Any = staff.stub(stub)
        self._staff = staff

    async def execute(self, *commands: command_pb2.Command) -> list[str]:
        """Carry commands out, each by its actor; returns the codes of refusals."""
        refused: list[str] = []
        for (role, closing), some in groupby(commands, key=lambda each: (each.actor.role, each.HasField("close"))):
            given = [*some]
            if closing:
                await self.approve(*given)
            request, who = intake_pb2.ExecuteBatchRequest(commands=given), self._staff.who(role)
            answer = await self.stub.ExecuteBatch(request, timeout=CALL_S, metadata=who)
            refused += [result.refusal.code for result in answer.results if result.WhichOneof("result") == "refusal"]
        return refused

    async def approve(self, *commands: command_pb2.Command) -> list[str]:
        """Have the reviewer approve what needs two; returns the codes of refusals. Earlier builds know no approvals."""
        request, who = intake_pb2.ApproveRequest(commands=commands), self._staff.who("reviewer")
        try:
            answer = await self.stub.Approve(request, timeout=CALL_S, metadata=who)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            return []
        return [result.refusal.code for result in answer.results if result.HasField("refusal")]

    async def dispute(self, dispute_id: str) -> intake_pb2.Dispute:
        answer = await self.stub.GetDispute(intake_pb2.GetDisputeRequest(dispute_id=dispute_id), timeout=CALL_S)
        return answer.dispute

    async def history(self, dispute_id: str) -> list[journal_pb2.JournalEvent]:
        answer = await self.stub.GetHistory(intake_pb2.GetHistoryRequest(dispute_id=dispute_id), timeout=CALL_S)
        return list(answer.events)

    async def window(self, ref: str, at: datetime) -> str:
        """Register a case of the centre's own window."""
        return (await self.submit("window", ref, at)).dispute_id  # type: ignore[no-any-return]

    async def submit(
        self,
        channel: str,
        ref: str,
        at: datetime,
        *,
        parties: Iterable[handoff_pb2.Party] = (),
        brief: str = "",
        consents: Iterable[handoff_pb2.Consent] | None = None,
        **facts: object,
    ) -> Any:  # noqa: ANN401 - stubs are untyped
        """Register a case of one of the centre's own channels; returns its receipt.

        `facts` replace those of a contract that everybody wants to have mediated; a list adds to a repeated one.
        """
        given = [handoff_pb2.Consent(role=role, answer="given") for role in ("applicant", "respondent")]
        told: dict[str, object] = {
            "county_code": COUNTY,
            "town_code": f"{COUNTY}101",
            "category": "06",
            "case_cause": "contract",
            "relation_clarity": "clear",
            "facts_clarity": "clear",
            "consents": given if consents is None else [*consents],
            "recurrence": "first",
            "scale": "individual",
        }
        request = intake_pb2.SubmitRequest(
            channel=channel,
            source_organ=f"{channel}-{COUNTY}",
            source_ref=ref,
            actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
            facts=handoff_pb2.CaseReceived(**(told | facts)),
            confidential=handoff_pb2.Confidential(parties=parties, brief=brief),
        )
        request.occurred_at.FromDatetime(at)
        return (await self.stub.Submit(request, timeout=CALL_S)).receipt

    async def applied(self, *receipts: Mapping[str, Any]) -> stream_pb2.PositionVector:
        """Wait until what the receipts were given for is applied; returns the place of the journal then."""
        places: dict[str, int] = {}
        for receipt in receipts:
            stream, position = receipt["position"]["stream"], int(receipt["position"]["position"])
            places[stream] = max(position, places.get(stream, 0))
        wanted = [stream_pb2.StreamPosition(stream=stream, position=place) for stream, place in places.items()]
        request = intake_pb2.AwaitAppliedRequest(handoffs=stream_pb2.PositionVector(positions=wanted))
        return (await self.stub.AwaitApplied(request, timeout=CALL_S)).journal

    async def advance(self, to: datetime) -> None:
        """Move the scenario clock to a time and fire what became due; the clock must not have passed it."""
        now = (await self.stub.GetClock(intake_pb2.GetClockRequest(), timeout=CALL_S)).now
        assert now.ToDatetime(tzinfo=ZONE) <= to, "tests that move the clock stand in the order of their days"
        request = intake_pb2.AdvanceClockRequest()
        request.to.FromDatetime(to)
        await self.stub.AdvanceClock(request, timeout=CALL_S)


@asynccontextmanager
async def register_of(hub: RunningHub) -> AsyncIterator[Register]:
    """Open a client of a hub's register."""
    async with grpc.aio.insecure_channel(hub.grpc["intake"]) as line:
        yield Register(intake_pb2_grpc.IntakeServiceStub(line), hub.staff)
