"""Calls a server from closed loops.

The callers have a process of their own, the same for every server, and send the next request after each answer. The
process reads its orders as one JSON line on stdin, calls for a warm-up that is not counted and then for the given time,
and prints its measurements as one JSON line. Requests are prepared bytes, and answers are parsed only after the
measurement.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from bench.handoff_http import Connection
from bench.handoff_stamps import batches, read_patterns, records
from bench.measure import percentile
from bench.processes import usage_of
from dispute.wire.court.v1 import court_pb2

TIMEOUT_S: Final = 60.0
OPTIONS: Final = (("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 16 * 1024 * 1024))

Send = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Orders:
    """The task of the callers.

    Attributes:
        kind: unary, batch or http.
        target: host:port.
        path: gRPC method, or HTTP path.
        api_key: Credential.
        callers: Number of concurrent closed loops.
        batch: Records of one batch.
        warm_s: Length of the warm-up before the measurement.
        seconds: Length of the measurement.
        first: Number of the first record; each run takes numbers of its own.
        server: Process whose cost is measured.
        patterns: Folder that `write_patterns` wrote to.
        receipts: File for the receipts' ids, one per line; empty for an echo, whose answer must be the request.
        cores: Processor cores that the callers may use.
    """

    kind: str
    target: str
    path: str
    api_key: str
    callers: int
    batch: int
    warm_s: float
    seconds: float
    first: int
    server: int
    patterns: str
    receipts: str
    cores: list[int]


@asynccontextmanager
async def _grpc(orders: Orders) -> AsyncIterator[list[Send]]:
    metadata = (("x-api-key", orders.api_key),)
    async with grpc.aio.insecure_channel(orders.target, options=OPTIONS) as channel:
        # Without serialisers the messages are sent as they are.
        method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(orders.path)
        await channel.channel_ready()

        async def send(request: bytes) -> bytes:
            return await method(request, metadata=metadata, timeout=TIMEOUT_S)

        yield [send] * orders.callers


@asynccontextmanager
async def _http(orders: Orders) -> AsyncIterator[list[Send]]:
    host, _, port = orders.target.rpartition(":")
    head = f"POST {orders.path} HTTP/1.1\r\nHost: {orders.target}\r\nX-API-Key: {orders.api_key}\r\n"
    opened = [await Connection.open(host, int(port), head) for _ in range(orders.callers)]
    try:
        yield [connection.send for connection in opened]
    finally:
        for connection in opened:
            connection.close()


@dataclass(slots=True)
class _Seen:
    """Seconds of each call, and the raw answers."""

    took_s: list[float]
    answers: list[bytes]


async def _call(sends: Sequence[Send], requests: Iterator[bytes], seconds: float, *, echo: bool) -> _Seen:
    seen, end = _Seen([], []), time.perf_counter() + seconds

    async def caller(send: Send) -> None:
        while (began := time.perf_counter()) < end:
            request = next(requests)
            answer = await send(request)
            seen.took_s.append(time.perf_counter() - began)
            if not echo:
                seen.answers.append(answer)

    async with asyncio.TaskGroup() as group:
        for send in sends:
            group.create_task(caller(send))
    return seen


async def work(orders: Orders, requests: Iterator[bytes]) -> tuple[dict[str, float], list[bytes]]:
    """Run the warm-up and the measurement.

    Returns the figures, and the answers that contain the receipts.
    """
    echo = not orders.receipts
    async with (_http if orders.kind == "http" else _grpc)(orders) as sends:
        warm = await _call(sends, requests, orders.warm_s, echo=echo)
        own, server, began = time.process_time(), usage_of(orders.server), time.perf_counter()
        seen = await _call(sends, requests, orders.seconds, echo=echo)
        wall_s = time.perf_counter() - began
        own_s, server_s = time.process_time() - own, usage_of(orders.server).cpu_s - server.cpu_s
    count = len(seen.took_s) * (orders.batch if orders.kind == "batch" else 1)
    figures = {
        "records": count,
        "records_s": count / wall_s,
        "server_cpu_us": server_s / count * 1e6,
        "server_cores": server_s / wall_s,
        "callers_cpu_us": own_s / count * 1e6,
        "callers_cores": own_s / wall_s,
        "p50_ms": percentile(seen.took_s, 50) * 1e3,
        "p99_ms": percentile(seen.took_s, 99) * 1e3,
    }
    return figures, warm.answers + seen.answers


def receipts_of(kind: str, answer: bytes) -> list[str]:
    """Return the ids of the receipts in an answer.

    Raises:
        ValueError: An item of a batch was refused: it has no receipt, so accepting was not measured.
    """
    if kind == "http":
        return [str(json.loads(answer)["receipt_id"])]
    if kind == "unary":
        return [court_pb2.SubmitResponse.FromString(answer).receipt.receipt_id]
    results = court_pb2.SubmitBatchResponse.FromString(answer).results
    for result in results:
        if result.WhichOneof("result") != "receipt":
            message = f"refused: {result.refusal.code} {result.refusal.field}"
            raise ValueError(message)
    return [result.receipt.receipt_id for result in results]


def main() -> None:
    """Read the orders, call, and print the figures."""
    orders = Orders(**json.loads(sys.stdin.readline()))
    os.sched_setaffinity(0, orders.cores)
    stamps = read_patterns(Path(orders.patterns), "http" if orders.kind == "http" else "grpc")
    of_batches = orders.kind == "batch"
    requests = batches(stamps, orders.first, orders.batch) if of_batches else records(stamps, orders.first)
    figures, answers = asyncio.run(work(orders, requests))
    if orders.receipts:
        ids = [one for answer in answers for one in receipts_of(orders.kind, answer)]
        Path(orders.receipts).write_text("".join(f"{one}\n" for one in ids), encoding="ascii")
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
