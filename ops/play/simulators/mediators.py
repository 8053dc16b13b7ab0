"""Simulates the people who work on accepted disputes.

Dispatchers, handlers, mediators and clerks act through intake's gRPC.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import channel
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.streams.envelope import StreamName
from ops.console.exits import BrokenPromise
from ops.play.scenarios.journeys import Step
from ops.play.simulators.answers import Patience, ReceivedRefusal
from ops.play.simulators.calls import ask

Vector = Mapping[StreamName, int]
PAGE: Final = 1000
LONG_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command that intake refused unexpectedly.

    The scenario expects intake to accept it.
    """

    step: Step
    code: str


class Mediators:
    """A client of intake.

    Calls go to intake's workers in turn.

    Args:
        addresses: gRPC addresses of intake's workers.
        patience: Retries calls that get no answer.
    """

    def __init__(self, addresses: Sequence[str], patience: Patience) -> None:
        self._channels = [channel(address) for address in addresses]
        self._stubs = [intake_pb2_grpc.IntakeServiceStub(opened) for opened in self._channels]
        self._patience = patience
        self._turn = 0

    async def close(self) -> None:
        """Close the connections."""
        for opened in self._channels:
            await opened.close()

    def _stub(self) -> intake_pb2_grpc.IntakeServiceStub:
        self._turn += 1
        return self._stubs[self._turn % len(self._stubs)]

    async def carry_out(self, steps: Sequence[tuple[str, Step]]) -> list[RefusedCommand]:
        """Send commands in one batch.

        Each is (dispute id, step); those of one dispute are in order.
        """
        request = intake_pb2.ExecuteBatchRequest(commands=[command_of(dispute_id, step) for dispute_id, step in steps])
        stub = self._stub()
        answer = await ask(stub.ExecuteBatch, request, patience=self._patience, what="commands", timeout_s=LONG_S)
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"a batch of {len(steps)} commands was refused: {answer.code}")
        if len(answer.results) != len(steps):
            raise BrokenPromise(f"{len(steps)} commands were answered with {len(answer.results)} results")
        return [
            RefusedCommand(step, result.refusal.code)
            for (_, step), result in zip(steps, answer.results, strict=True)
            if result.WhichOneof("result") == "refusal"
        ]

    async def await_applied(self, handoffs: Vector) -> dict[StreamName, int]:
        """Wait until intake has applied the hand-offs.

        Returns the journal's positions at that moment.
        """
        request = intake_pb2.AwaitAppliedRequest(handoffs=vector_to_wire(handoffs))
        stub = self._stub()
        answer = await ask(
            stub.AwaitApplied, request, patience=self._patience, what="hand-offs to be applied", timeout_s=LONG_S
        )
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"waiting for hand-offs was refused: {answer.code}")
        return vector_from_wire(answer.journal)

    async def advance_clock(self, to: datetime, handoffs: Vector) -> tuple[int, dict[StreamName, int]]:
        """Move the scenario clock.

        Returns the number of timers fired and the journal's positions at that moment.
        """
        request = intake_pb2.AdvanceClockRequest(handoffs=vector_to_wire(handoffs))
        request.to.FromDatetime(to)
        stub = self._stub()
        answer = await ask(
            stub.AdvanceClock, request, patience=self._patience, what="the clock to move", timeout_s=LONG_S
        )
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"moving the clock was refused: {answer.code}")
        return answer.fired, vector_from_wire(answer.journal)

    async def register(self) -> AsyncIterator[intake_pb2.Dispute]:
        """Yield every dispute of the register."""
        token = ""
        while True:
            request = intake_pb2.ListDisputesRequest(page_size=PAGE, page_token=token)
            stub = self._stub()
            answer = await ask(stub.ListDisputes, request, patience=self._patience, what="the register")
            if isinstance(answer, ReceivedRefusal):
                raise BrokenPromise(f"listing the register was refused: {answer.code}")
            for dispute in answer.disputes:
                yield dispute
            token = answer.next_page_token
            if not token:
                return


def command_of(dispute_id: str, step: Step) -> command_pb2.Command:
    """Return the wire form of a step."""
    command = command_pb2.Command(
        command_id=step.command_id,
        dispute_id=dispute_id,
        actor=command_pb2.Actor(role=step.role, actor_id=step.actor),
    )
    command.occurred_at.FromDatetime(step.at)
    instruction = getattr(command, step.action)
    instruction.SetInParent()
    for name, value in step.arguments:
        setattr(instruction, name, value)
    return command


def batches(steps: Iterable[tuple[str, Step]], limit: int) -> list[list[tuple[str, Step]]]:
    """Split commands into batches.

    Commands of one dispute stay together and in order.
    """
    ordered = sorted(steps, key=lambda item: (item[1].number, item[1].order))
    found: list[list[tuple[str, Step]]] = [[]]
    for _, group in groupby(ordered, key=lambda item: item[1].number):
        own = list(group)
        if found[-1] and len(found[-1]) + len(own) > limit:
            found.append([])
        found[-1] += own
    return [batch for batch in found if batch]
