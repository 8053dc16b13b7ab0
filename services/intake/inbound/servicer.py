"""Serves IntakeService over gRPC.

Refusals are raised; `hub.grpc` turns them into statuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import grpc
import structlog
from msgspec import structs
from typing_extensions import override

from dispute.access.roles import role_table
from dispute.contracts.codec import dispute_to_wire, instant_of, timestamp_of
from dispute.contracts.receipts import receipt_note
from dispute.lifecycle import business_day
from dispute.refusals.interfaces import TIME_MISSING, WALL_CLOCK
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.exchange.v1 import exchange_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.access.gate import current_caller
from hub.access.verifier import Caller
from hub.audit.chain import append
from hub.audit.recorder import entry_of, recorded
from hub.errors import Bug, Fault, Refusal, Refused
from hub.grpc.call import time_left
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.refusals import INTERNAL, TOO_MANY_ITEMS
from hub.runtime.clock import Clock
from hub.store.batcher import Batcher
from hub.store.store import Store, Transaction
from hub.streams.outbox import Outbox
from hub.streams.reader import Reader
from hub.wire.stream.v1 import stream_pb2
from services.intake.cases.approvals import approve
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.ports import Counters, DisputeRegister, EventPlace
from services.intake.cases.register import limits_now
from services.intake.cases.unit_of_work import Outcome, Task, TaskResult
from services.intake.inbound import queries
from services.intake.inbound.alarms import Alarms
from services.intake.inbound.commits import CommitSignal
from services.intake.inbound.effects import Effects
from services.intake.inbound.event_watch import watch
from services.intake.inbound.matter_query import matter_of
from services.intake.inbound.party_query import check_purpose, parties_of
from services.intake.inbound.requests import SERVICE, Requests
from services.intake.inbound.shreddings import ShreddingCalls
from services.intake.law.rulebook import Rules

MAX_BATCH: Final = 1000
ANSWER_S: Final = 0.05
"""Reserved from the caller's timeout, so that our own answer still arrives in time."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_log = structlog.stdlib.get_logger(__name__)


class IntakeServicer(intake_pb2_grpc.IntakeServiceServicer):
    """Serves the register of disputes.

    Args:
        store: For reads.
        outbox: Journal.
        reader: Reader of the hand-offs.
        commands: Collects waiting tasks into batches.
        requests: Makes tasks.
        vault: Opens what is sealed of people.
        shreddings: Has parties forgotten.
        bind: Returns the register of a transaction.
        rules: Tell which limits run.
        alarms: Fires timers.
        effects: Carries out shared results.
        clock: Wall clock.
        clock_kind: Clock that deadlines run on.
        commits: Wakes watchers.
        counters: Metrics.
    """

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        reader: Reader,
        commands: Batcher[Task, TaskResult],
        requests: Requests,
        vault: PartyVault,
        shreddings: ShreddingCalls,
        bind: Callable[[Transaction], DisputeRegister],
        rules: Rules,
        alarms: Alarms,
        effects: Effects,
        clock: Clock,
        clock_kind: Literal["wall", "scenario"],
        commits: CommitSignal,
        counters: Counters,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._reader = reader
        self._commands = commands
        self._requests = requests
        self._bind = bind
        self._vault = vault
        self._shreddings = shreddings
        self._rules = rules
        self._alarms = alarms
        self._effects = effects
        self._clock = clock
        self._clock_kind = clock_kind
        self._commits = commits
        self._counters = counters
        self._advancing = asyncio.Lock()

    @override
    async def Submit(self, request: intake_pb2.SubmitRequest, context: Context) -> intake_pb2.SubmitResponse:
        """Register a dispute from a channel without bridge.

        A window, a hotline, a grid member or the app.
        """
        task, handoff = self._requests.submission(request, current_caller())
        answer = await self._carry_out(task)
        receipt = exchange_pb2.Receipt(
            receipt_id=handoff.handoff_id,
            source_ref=request.source_ref,
            dispute_id=handoff.dispute_id,
            content_sha256=handoff.digest.hex(),
            accepted_at=timestamp_of(answer.recorded_at),
            repeated=answer.repeated,
            note=receipt_note(answer.recorded_at),
            case_code=answer.dispute.case_code,
        )
        return intake_pb2.SubmitResponse(receipt=receipt, position=_place(answer.place))

    @override
    async def Execute(self, request: intake_pb2.ExecuteRequest, context: Context) -> intake_pb2.ExecuteResponse:
        """Carry out one command."""
        answer = await self._carry_out(self._requests.command(request.command, current_caller()))
        return intake_pb2.ExecuteResponse(
            dispute=dispute_to_wire(answer.dispute), position=_place(answer.place), repeated=answer.repeated
        )

    @override
    async def ExecuteBatch(
        self, request: intake_pb2.ExecuteBatchRequest, context: Context
    ) -> intake_pb2.ExecuteBatchResponse:
        """Carry out many commands.

        Returns a result for each.
        """
        if len(request.commands) > MAX_BATCH:
            raise TOO_MANY_ITEMS.error(field="commands", limit=MAX_BATCH)
        caller = current_caller()
        asked = [self._asked(command, caller) for command in request.commands]
        outcomes = iter(await self._commands.submit_all([one for one in asked if isinstance(one, Task)]))
        results = [one if isinstance(one, Refusal) else next(outcomes) for one in asked]
        self._counters.events(event for answer in results if isinstance(answer, TaskResult) for event in answer.events)
        return intake_pb2.ExecuteBatchResponse(
            results=[
                self._result(command.command_id, result)
                for command, result in zip(request.commands, results, strict=True)
            ]
        )

    @override
    async def Approve(self, request: intake_pb2.ApproveRequest, context: Context) -> intake_pb2.ApproveResponse:
        """Approve what another person is going to do."""
        if len(request.commands) > MAX_BATCH:
            raise TOO_MANY_ITEMS.error(field="commands", limit=MAX_BATCH)
        caller = current_caller()
        asked = [self._requests.approval(command, caller) for command in request.commands]
        entry = entry_of(self._clock.now(), f"{SERVICE}/Approve", caller)

        def unit(tx: Transaction) -> list[Refusal | None]:
            refused = approve(self._bind(tx), caller, asked)
            said = [
                f"{command.dispute_id} {command.WhichOneof('instruction')} {'approved' if why is None else why.code}"
                for command, why in zip(request.commands, refused, strict=True)
            ]
            append(tx, [structs.replace(entry, about=tuple(said))])
            return refused

        refused = await self._store.write(unit)
        return intake_pb2.ApproveResponse(
            results=[
                intake_pb2.ApprovalResult(dispute_id=command.dispute_id, refusal=None if why is None else _refusal(why))
                for command, why in zip(request.commands, refused, strict=True)
            ]
        )

    @override
    async def GetParties(
        self, request: intake_pb2.GetPartiesRequest, context: Context
    ) -> intake_pb2.GetPartiesResponse:
        """Return the people of a dispute; the look is in the audit before they are shown."""
        caller, now = current_caller(), self._clock.now()
        check_purpose(request.purpose)
        entry = entry_of(now, f"{SERVICE}/GetParties", caller, purpose=request.purpose)
        view = role_table().view_of(caller.role)

        def look(tx: Transaction) -> tuple[intake_pb2.GetPartiesResponse, tuple[str, ...]]:
            found = parties_of(tx, request, area=caller.area, view=view, vault=self._vault, today=business_day(now))
            return found, (found.dispute_id,)

        return await recorded(self._store, entry, look)

    @override
    async def ApproveShredding(
        self, request: intake_pb2.ApproveShreddingRequest, context: Context
    ) -> intake_pb2.ApproveShreddingResponse:
        """Approve that a party is forgotten."""
        return await self._shreddings.approve(request)

    @override
    async def ShredParty(
        self, request: intake_pb2.ShredPartyRequest, context: Context
    ) -> intake_pb2.ShredPartyResponse:
        """Forget a party for good."""
        return await self._shreddings.shred(request)

    @override
    async def GetDispute(
        self, request: intake_pb2.GetDisputeRequest, context: Context
    ) -> intake_pb2.GetDisputeResponse:
        """Return a dispute, by its id or its printed code."""
        book, area = self._rules.current, current_caller().area
        return await self._store.read(lambda tx: queries.one_dispute(tx, request, area, book, self._now(tx)))

    @override
    async def ListDisputes(
        self, request: intake_pb2.ListDisputesRequest, context: Context
    ) -> intake_pb2.ListDisputesResponse:
        """Return a page of disputes."""
        area = current_caller().area
        return await self._store.read(lambda tx: queries.page_of_disputes(tx, request, area))

    @override
    async def ListAlarms(
        self, request: intake_pb2.ListAlarmsRequest, context: Context
    ) -> intake_pb2.ListAlarmsResponse:
        """Return a page of disputes under supervision."""
        area = current_caller().area
        return await self._store.read(lambda tx: queries.page_of_alarms(tx, request, area, self._rules.current))

    @override
    async def ListSealedExits(
        self, request: intake_pb2.ListSealedExitsRequest, context: Context
    ) -> intake_pb2.ListSealedExitsResponse:
        """Return a page of sealed exits."""
        return await self._store.read(lambda tx: queries.page_of_exits(tx, request))

    @override
    async def GetHistory(
        self, request: intake_pb2.GetHistoryRequest, context: Context
    ) -> intake_pb2.GetHistoryResponse:
        """Return every event of a dispute."""
        area = current_caller().area
        return await self._store.read(lambda tx: queries.history_of(tx, request, area))

    @override
    async def GetMatter(self, request: intake_pb2.GetMatterRequest, context: Context) -> intake_pb2.GetMatterResponse:
        """Return a matter."""
        area = current_caller().area
        return await self._store.read(lambda tx: matter_of(tx, request.dispute_id, area))

    @override
    async def WatchEvents(
        self, request: intake_pb2.WatchEventsRequest, context: Context
    ) -> AsyncIterator[intake_pb2.WatchEventsResponse]:
        """Stream events as they are written."""
        after = vector_from_wire(request.after, field="after")
        async for response in watch(self._store, self._outbox, self._commits, after, request.types):
            yield response

    @override
    async def AwaitApplied(
        self, request: intake_pb2.AwaitAppliedRequest, context: Context
    ) -> intake_pb2.AwaitAppliedResponse:
        """Wait until the named hand-offs are applied."""
        await self._await(request.handoffs, context)
        return intake_pb2.AwaitAppliedResponse(journal=vector_to_wire(await self._store.read(self._outbox.heads)))

    @override
    async def GetClock(self, request: intake_pb2.GetClockRequest, context: Context) -> intake_pb2.GetClockResponse:
        """Return the clock of the deadlines."""
        now = await self._store.read(self._now)
        return intake_pb2.GetClockResponse(now=timestamp_of(now), kind=self._clock_kind)

    def _now(self, tx: Transaction) -> datetime:
        """Return the clock of the limits."""
        return limits_now(tx, self._clock_kind, self._clock.now())

    @override
    async def AdvanceClock(
        self, request: intake_pb2.AdvanceClockRequest, context: Context
    ) -> intake_pb2.AdvanceClockResponse:
        """Move the scenario clock.

        Waits until the named hand-offs are applied, and fires what became due.
        """
        if self._clock_kind == "wall":
            raise WALL_CLOCK.error()
        if not request.HasField("to"):
            raise TIME_MISSING.error(field="to")
        to = instant_of(request.to)
        entry = entry_of(self._clock.now(), f"{SERVICE}/AdvanceClock", current_caller(), to.isoformat())
        await self._store.write(lambda tx: append(tx, [entry]))
        await self._await(request.handoffs, context)
        async with self._advancing:
            # What was heard of a matter before the move happened before it.
            await self._effects.drain()
            now, fired = await self._alarms.advance(to)
            await self._effects.drain()
        journal = await self._store.read(self._outbox.heads)
        return intake_pb2.AdvanceClockResponse(now=timestamp_of(now), fired=fired, journal=vector_to_wire(journal))

    async def _carry_out(self, task: Task) -> TaskResult:
        answer = await self._commands.submit(task)
        self._counters.events(answer.events)
        return answer

    async def _await(self, handoffs: stream_pb2.PositionVector, context: Context) -> None:
        await self._reader.wait_for(vector_from_wire(handoffs, field="handoffs"), time_left(context) - ANSWER_S)

    def _asked(self, command: command_pb2.Command, caller: Caller) -> Task | Refusal:
        try:
            return self._requests.command(command, caller)
        except Refused as refused:
            return refused.refusal

    @staticmethod
    def _result(command_id: str, result: Outcome) -> intake_pb2.CommandResult:
        if isinstance(result, TaskResult):
            return intake_pb2.CommandResult(
                command_id=command_id, position=_place(result.place), repeated=result.repeated
            )
        if isinstance(result, Bug) and not isinstance(result.exception, Fault):
            error = result.exception
            _log.error("command_failed", command_id=command_id, error=type(error).__name__, exc_info=error)
            result = INTERNAL.refusal()
        if isinstance(result, Bug) or not result.is_final:
            # The command did not cause it: the caller repeats the whole call with the same ids.
            raise result.error()
        return intake_pb2.CommandResult(command_id=command_id, refusal=_refusal(result))


def _refusal(of: Refusal) -> exchange_pb2.Refusal:
    return exchange_pb2.Refusal(code=of.code, field=of.field, detail=of.detail)


def _place(place: EventPlace | None) -> stream_pb2.StreamPosition | None:
    return None if place is None else stream_pb2.StreamPosition(stream=place.stream, position=place.position)
