"""The closed-loop driver, which sends complete lives.

It is a process of its own, so that its cost can be separated from the hub's. Each of its workers sends a batch of
records to a bridge, waits until intake has applied them, sends all commands of people for them in ExecuteBatch calls,
and begins again. At the same time agencies fetch and acknowledge their results. When stats is too far behind the
journal, all workers wait: a rate that builds up a backlog is not sustained. The driver reads its orders as one JSON
line on stdin and works until stdin ends; then it prints a summary as one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from bench.lands import land
from bench.submissions import Case, GivenCommand, Press
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.petition.v1 import petition_pb2, petition_pb2_grpc
from dispute.wire.police.v1 import police_pb2, police_pb2_grpc
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import Metadata, bearer, key_metadata
from hub.grpc.client import channel as open_channel
from hub.grpc.vectors import vector_to_wire
from hub.streams.envelope import StreamName
from ops.console.exits import BrokenPromise
from ops.play.scenarios.vocabulary import Docking
from ops.play.simulators.answers import Patience, ReceivedRefusal
from ops.play.simulators.calls import ask
from ops.play.simulators.mediators import FOUR_EYES, REVIEWER, rounds
from ops.run.credentials import OPERATOR

COMMANDS_A_CALL: Final = 1000
RESULTS_A_PAGE: Final = 1000
LONG_S: Final = 60.0
LOOK_S: Final = 0.25
NUMBERS_A_WORKER: Final = 10_000_000

BRIDGES: Final[Mapping[Docking, tuple[Any, Any]]] = {
    Docking.COURT: (court_pb2, court_pb2_grpc.CourtBridgeServiceStub),
    Docking.POLICE: (police_pb2, police_pb2_grpc.PoliceBridgeServiceStub),
    Docking.PETITION: (petition_pb2, petition_pb2_grpc.PetitionBridgeServiceStub),
}


@dataclass(frozen=True, slots=True)
class Orders:
    """The task of the driver.

    Attributes:
        addresses: Service to gRPC address.
        keys: Agency to API key.
        tokens: Role to the token of somebody who has it.
        workers: Channel to the number of workers that send its records.
        batch: Records per batch.
        behind: Lag of stats behind the journal, in events, at which all workers wait.
        seed: Seed of the cases.
    """

    addresses: dict[str, str]
    keys: dict[str, str]
    tokens: dict[str, str]
    workers: dict[str, int]
    batch: int
    behind: int
    seed: int


@dataclass(slots=True)
class Done:
    """The work of the driver so far.

    It counts acknowledged records, accepted commands, refusals and fetched results.
    """

    records: int = 0
    commands: int = 0
    results: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    waited_s: float = 0.0


class Driver:
    """Sends cases until it is stopped.

    Args:
        orders: The task.
        press: Makes the cases.
    """

    def __init__(self, orders: Orders, press: Press) -> None:
        self._orders = orders
        self._press = press
        self._patience = Patience()
        self._shown = {role: bearer(token) for role, token in orders.tokens.items()}
        self._journal: dict[str, int] = {}
        self._open = asyncio.Event()
        self._open.set()
        self._stopping = asyncio.Event()
        self._stack = AsyncExitStack()
        self._intake: Any = None
        self._stats: Any = None
        self._bridges: dict[Docking, Any] = {}
        self.done = Done()

    async def run(self, stop: asyncio.Future[None]) -> Done:
        """Work until `stop` is done.

        Work that has begun is finished. Returns what was done.
        """
        async with self._stack:
            self._connect()
            working = [
                asyncio.create_task(self._work(channel, number))
                for number, channel in enumerate(
                    channel for channel in Docking for _ in range(self._orders.workers.get(channel, 0))
                )
            ]
            beside = [asyncio.create_task(self._look_at_stats()), *map(asyncio.create_task, self._fetchers())]
            stopped = asyncio.create_task(_done(stop))
            await asyncio.wait({stopped, *working, *beside}, return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            self._open.set()
            await asyncio.gather(*working, *beside)
        return self.done

    def _connect(self) -> None:
        def stub(kind: Any, service: str) -> Any:  # noqa: ANN401 - stubs are untyped
            opened = open_channel(self._orders.addresses[service])
            self._stack.push_async_callback(opened.close)
            return kind(opened)

        self._intake = stub(intake_pb2_grpc.IntakeServiceStub, "intake")
        self._stats = stub(stats_pb2_grpc.StatsServiceStub, "stats")
        self._bridges = {channel: stub(kind, f"{channel}_bridge") for channel, (_, kind) in BRIDGES.items()}

    async def _work(self, channel: Docking, worker: int) -> None:
        first = worker * NUMBERS_A_WORKER
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._open.wait()
            self.done.waited_s += time.monotonic() - began
            cases = list(self._press.cases(channel, range(first, first + self._orders.batch)))
            first += self._orders.batch
            handoffs = await self._submit(channel, cases)
            await self._applied(handoffs)
            await self._carry_out(cases)

    async def _ask(self, method: Any, request: Any, what: str, who: Metadata) -> Any:  # noqa: ANN401 - untyped stubs
        answer = await ask(method, request, patience=self._patience, what=what, metadata=who, timeout_s=LONG_S)
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"{what}: refused, {answer.code} {answer.field}")
        return answer

    async def _submit(self, channel: Docking, cases: Sequence[Case]) -> dict[StreamName, int]:
        messages, _ = BRIDGES[channel]
        request = messages.SubmitBatchRequest(items=[case.submission for case in cases])
        who = key_metadata(self._orders.keys[cases[0].agency])
        answer = await self._ask(self._bridges[channel].SubmitBatch, request, f"{channel} batch", who)
        upto: dict[str, int] = {}
        for result in answer.results:
            if result.WhichOneof("result") == "refusal":
                self.done.refused[f"{channel} {result.refusal.code} {result.refusal.field}"] += 1
                continue
            self.done.records += 1
            place = result.receipt.position
            upto[place.stream] = max(place.position, upto.get(place.stream, 0))
        return {StreamName.parse(stream): position for stream, position in upto.items()}

    async def _applied(self, handoffs: Mapping[StreamName, int]) -> None:
        request = intake_pb2.AwaitAppliedRequest(handoffs=vector_to_wire(handoffs))
        await self._ask(self._intake.AwaitApplied, request, "hand-offs to be applied", self._shown[OPERATOR])

    async def _carry_out(self, cases: Sequence[Case]) -> None:
        lives = [case.commands for case in cases]
        for role, orders in rounds(lives, lambda order: order.role, needs_two=_needs_two):
            commands = [order.command for order in orders]
            if _needs_two(orders[0]):
                for at in range(0, len(commands), COMMANDS_A_CALL):
                    request = intake_pb2.ApproveRequest(commands=commands[at : at + COMMANDS_A_CALL])
                    await self._ask(self._intake.Approve, request, "approvals", self._shown[REVIEWER])
            for at in range(0, len(commands), COMMANDS_A_CALL):
                await self._execute(role, commands[at : at + COMMANDS_A_CALL])

    async def _execute(self, role: str, commands: Sequence[command_pb2.Command]) -> None:
        request = intake_pb2.ExecuteBatchRequest(commands=commands)
        answer = await self._ask(self._intake.ExecuteBatch, request, "commands", self._shown[role])
        for result in answer.results:
            if result.WhichOneof("result") == "refusal":
                self.done.refused[f"intake {result.refusal.code} {result.refusal.field}"] += 1
                continue
            self.done.commands += 1
            place = result.position
            self._journal[place.stream] = max(place.position, self._journal.get(place.stream, 0))

    async def _look_at_stats(self) -> None:
        """Pause the workers while stats is too far behind.

        The lag is measured against the positions that intake has returned.
        """
        while not self._stopping.is_set():
            answer = await self._ask(
                self._stats.GetPositions, stats_pb2.GetPositionsRequest(), "stats", self._shown[OPERATOR]
            )
            reached = {place.stream: place.position for place in answer.positions.positions}
            behind = sum(max(0, head - reached.get(stream, 0)) for stream, head in self._journal.items())
            if behind > self._orders.behind:
                self._open.clear()
            elif behind < self._orders.behind // 2:
                self._open.set()
            await _pause(self._stopping, LOOK_S)

    def _fetchers(self) -> list[Any]:
        return [self._fetch(channel, agency) for agency in self._orders.keys for channel in _channel_of(agency)]

    async def _fetch(self, channel: Docking, agency: str) -> None:
        """Fetch and acknowledge one agency's results."""
        messages, _ = BRIDGES[channel]
        stub, who, cursor = self._bridges[channel], key_metadata(self._orders.keys[agency]), 0
        while not self._stopping.is_set():
            request = messages.ListResultsRequest(after_cursor=cursor, page_size=RESULTS_A_PAGE)
            answer = await self._ask(stub.ListResults, request, "results", who)
            self.done.results += len(answer.results)
            if answer.next_cursor > cursor:
                cursor = answer.next_cursor
                await self._ask(stub.Acknowledge, messages.AcknowledgeRequest(cursor=cursor), "acknowledge", who)
            if len(answer.results) < RESULTS_A_PAGE:
                await _pause(self._stopping, LOOK_S)


def _needs_two(given: GivenCommand) -> bool:
    return given.command.WhichOneof("instruction") in FOUR_EYES


def _channel_of(agency: str) -> list[Docking]:
    return [channel for channel in Docking if agency.startswith(f"{channel}-")]


async def _done(stop: asyncio.Future[None]) -> None:
    await stop


async def _pause(unless: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(unless.wait(), seconds)
    except TimeoutError:
        return


async def _main(orders: Orders, press: Press) -> Done:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[None] = loop.create_future()

    def look() -> None:
        if not os.read(sys.stdin.fileno(), 1):
            loop.remove_reader(sys.stdin)
            stop.set_result(None)

    loop.add_reader(sys.stdin, look)
    return await Driver(orders, press).run(stop)


def main() -> int:
    """Read the orders, drive, and print the summary."""
    orders = Orders(**json.loads(sys.stdin.readline()))
    press = Press(land("county"), orders.seed)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    done = asyncio.run(_main(orders, press))
    report = {
        "records": done.records,
        "commands": done.commands,
        "results": done.results,
        "refused": dict(done.refused),
        "waited_s": round(done.waited_s, 1),
    }
    sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
