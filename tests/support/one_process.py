"""A bridge, intake and stats in one process on the in-memory bus, and one record through them.

Imports nothing of the tests: it also runs in a copy of the product alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx2

from bridge.assembly import assemble
from bridge.settings import BridgeSettings
from bridge.specification import Specification
from dispute.contracts.topics import TOPICS
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import bearer, channel
from hub.runtime.clock import FixedClock
from hub.service.bus import memory
from hub.streams.memory import MemoryBus
from ops.run.credentials import FOLDER, OPERATOR, make
from services.intake.settings import IntakeSettings
from services.intake.wiring import build as build_intake
from services.stats.settings import StatsSettings
from services.stats.wiring import build as build_stats

BOUND_S: Final = 30.0
LOOK_S: Final = 0.02
COUNTY: Final = "620725"


Found = TypeVar("Found")


async def through(
    spec: Specification[Any], folder: Path, *, begun: Callable[[], None] = lambda: None, results: bool = True
) -> dict[str, Any]:
    """Hand one record over and wait for its result and its rate.

    Args:
        spec: The bridge's; its record's example is handed over.
        folder: Empty; stores and keys.
        begun: Called when everything runs, just before the record is sent.
        results: Whether the bridge reads the journal and tells results.

    Returns:
        `receipt` (HTTP status), `results` (statuses), `rates` (channel, metric, numerator, denominator, percent).
    """
    made = make(folder / FOLDER, [(f"{spec.channel}-{COUNTY}", COUNTY)])
    bus, clock = MemoryBus(TOPICS, 2), FixedClock(datetime(2024, 3, 6, tzinfo=UTC))

    def settings(name: str) -> dict[str, Any]:
        return {
            "store_url": f"sqlite:///{folder / name}.db",
            "kafka_bootstrap": "127.0.0.1:1",
            "kafka_partitions": 2,
            "grpc_port": 0,
            "http_port": 0,
            "keys_dir": folder / "keys",
            "credentials_file": made.file,
        }

    bridge = assemble(spec, BridgeSettings(**settings("bridge")), memory(bus), clock)
    intake = build_intake(IntakeSettings(**settings("intake")), memory(bus), clock)
    stats = build_stats(StatsSettings(**settings("stats")), memory(bus), clock)
    async with AsyncExitStack() as stack, asyncio.timeout(BOUND_S):
        for part in (*bridge.parts, *intake.parts, *stats.parts):
            if results or part is not bridge.reader:
                await part.start()
                stack.push_async_callback(part.stop)

        (key,) = made.keys.values()
        client = await stack.enter_async_context(
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(bridge.app), base_url="http://bridge", headers={"x-api-key": key}
            )
        )
        line = await stack.enter_async_context(channel(f"127.0.0.1:{stats.grpc.port}"))
        stub = stats_pb2_grpc.StatsServiceStub(line)
        asked = stats_pb2.GetRatesRequest(query=stats_pb2.Query(metrics=["diversion"]))

        async def answers() -> bool:
            return (await client.get("/v1/results")).is_success

        async def statuses() -> list[str]:
            return [result["status"] for result in (await client.get("/v1/results")).json()["results"]]

        async def rates() -> list[list[Any]]:
            found = (await stub.GetRates(asked, timeout=BOUND_S, metadata=bearer(made.tokens[OPERATOR]))).rates
            return [[r.channel, r.metric, r.numerator, r.denominator, r.percent] for r in found if r.numerator]

        await _until(answers)
        begun()
        receipt = await client.post(f"/v1/{spec.noun}", json=dict(spec.record.example))
        return {
            "receipt": receipt.status_code,
            "results": await _until(statuses) if results else [],
            "rates": await _until(rates),
        }


async def _until(ask: Callable[[], Awaitable[Found]]) -> Found:
    """Ask until there is something; the caller bounds it."""
    while True:
        if found := await ask():
            return found
        await asyncio.sleep(LOOK_S)
