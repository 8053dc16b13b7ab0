"""Simulates the people who work on accepted disputes.

Dispatchers, handlers, mediators and clerks act through intake's gRPC.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, TypeVar

from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.grpc.client import bearer, channel
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.streams.envelope import StreamName
from ops.console.exits import BrokenPromise
from ops.play.scenarios.journeys import Step
from ops.play.simulators.answers import Patience, ReceivedRefusal
from ops.play.simulators.calls import ask
from ops.run.credentials import OPERATOR

Item = TypeVar("Item")
Vector = Mapping[StreamName, int]
PAGE: Final = 1000
LONG_S: Final = 30.0
FOUR_EYES: Final = frozenset({"close"})
"""Instructions that another person approves first."""
REVIEWER: Final = "reviewer"


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
        tokens: Role to the token of somebody who has it.
        patience: Retries calls that get no answer.
    """

    def __init__(self, addresses: Sequence[str], tokens: Mapping[str, str], patience: Patience) -> None:
        self._shown = {role: bearer(token) for role, token in tokens.items()}
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
        """Send commands, in one call for as far as one role takes each dispute.

        Each is (dispute id, step); those of one dispute are in order.
        """
        refused: list[RefusedCommand] = []
        lives: dict[str, list[tuple[str, Step]]] = defaultdict(list)
        for one in steps:
            lives[one[0]].append(one)
        for role, some in rounds(
            lives.values(), lambda one: one[1].role, needs_two=lambda one: one[1].action in FOUR_EYES
        ):
            if some[0][1].action in FOUR_EYES:
                await self.approve(some)
            refused += await self._carry_out(role, some)
        return refused

    async def approve(self, steps: Sequence[tuple[str, Step]]) -> None:
        """Have the other person approve what needs two."""
        request = intake_pb2.ApproveRequest(commands=[command_of(dispute_id, step) for dispute_id, step in steps])
        answer = await ask(
            self._stub().Approve,
            request,
            patience=self._patience,
            what="approvals",
            timeout_s=LONG_S,
            metadata=self._shown[REVIEWER],
        )
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"{len(steps)} approvals were refused: {answer.code}")

    async def _carry_out(self, role: str, steps: Sequence[tuple[str, Step]]) -> list[RefusedCommand]:
        request = intake_pb2.ExecuteBatchRequest(commands=[command_of(dispute_id, step) for dispute_id, step in steps])
        stub = self._stub()
        answer = await ask(
            stub.ExecuteBatch,
            request,
            patience=self._patience,
            what="commands",
            timeout_s=LONG_S,
            metadata=self._shown[role],
        )
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
            stub.AwaitApplied,
            request,
            patience=self._patience,
            what="hand-offs to be applied",
            timeout_s=LONG_S,
            metadata=self._shown[OPERATOR],
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
            stub.AdvanceClock,
            request,
            patience=self._patience,
            what="the clock to move",
            timeout_s=LONG_S,
            metadata=self._shown[OPERATOR],
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
            answer = await ask(
                stub.ListDisputes,
                request,
                patience=self._patience,
                what="the register",
                metadata=self._shown[OPERATOR],
            )
            if isinstance(answer, ReceivedRefusal):
                raise BrokenPromise(f"listing the register was refused: {answer.code}")
            for dispute in answer.disputes:
                yield dispute
            token = answer.next_page_token
            if not token:
                return


def command_of(dispute_id: str, step: Step) -> command_pb2.Command:
    """Return the wire form of a step; who gives it shows a credential."""
    command = command_pb2.Command(command_id=step.command_id, dispute_id=dispute_id)
    command.occurred_at.FromDatetime(step.at)
    instruction = getattr(command, step.action)
    instruction.SetInParent()
    for name, value in step.arguments:
        setattr(instruction, name, value)
    return command


def rounds(
    lives: Iterable[Sequence[Item]], role_of: Callable[[Item], str], *, needs_two: Callable[[Item], bool]
) -> Iterator[tuple[str, list[Item]]]:
    """Yield what one role can do together, until every life is at its end.

    Args:
        lives: What is done for each dispute, in order.
        role_of: Role that does it.
        needs_two: Tells what another person approves first, of the dispute as it is then: so it comes by itself.
    """

    def kind_of(item: Item) -> tuple[str, bool]:
        return role_of(item), needs_two(item)

    left = [deque(life) for life in lives if life]
    while left:
        by_kind: dict[tuple[str, bool], list[Item]] = defaultdict(list)
        for life in left:
            kind = kind_of(life[0])
            while life and kind_of(life[0]) == kind:
                by_kind[kind].append(life.popleft())
        yield from ((role, some) for (role, _), some in by_kind.items())
        left = [life for life in left if life]


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
