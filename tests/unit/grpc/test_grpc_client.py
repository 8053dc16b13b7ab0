"""Calls end in an answer or a verdict, within the caller's time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
import structlog

from hub.errors import Kind, Refusal, Rejected, Retryable
from hub.grpc.books import BooksServicer
from hub.grpc.call import CORRELATION_KEY
from hub.grpc.client import call, channel, refusal_of
from hub.grpc.server import GrpcServer
from hub.runtime.metrics import Metrics
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from tests.support.echo import NAME, Item, Stand

LATER = Refusal("later", kind=Kind.UNAVAILABLE)
Behaviour = Callable[[Any, Any], Awaitable[None]]


def failing(times: int, error: Exception) -> Behaviour:
    left = times

    async def behaviour(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        nonlocal left
        if left > 0:
            left -= 1
            raise error

    return behaviour


@pytest.mark.parametrize("error", [LATER.error(), Refusal("full", kind=Kind.EXHAUSTED, after_s=0.01).error()])
async def test_a_put_off_call_is_tried_again(stand: Stand, error: Exception) -> None:
    stand.echo.behaviour = failing(2, error)
    assert await call(stand.one, Item(position=4), timeout_s=10) == Item(position=4)
    assert len(stand.echo.seen) == 3


async def test_without_retry_one_call_is_made(stand: Stand) -> None:
    stand.echo.behaviour = failing(1, LATER.error())
    with pytest.raises(Retryable, match="later"):
        await call(stand.one, Item(), timeout_s=10, retry=False)
    assert len(stand.echo.seen) == 1


@pytest.mark.parametrize("kind", [Kind.MALFORMED, Kind.STALE, Kind.WRONG_STATE, Kind.INTERNAL, Kind.KEY_REUSED])
async def test_a_refusal_is_final(stand: Stand, kind: Kind) -> None:
    stand.echo.behaviour = failing(1, Refusal("no", kind=kind).error())
    with pytest.raises(Rejected, match="no"):
        await call(stand.one, Item(), timeout_s=10)
    assert len(stand.echo.seen) == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED])
async def test_an_end_that_is_no_verdict_of_ours_is_tried_again(stand: Stand, code: grpc.StatusCode) -> None:
    """A server that stops within a call cancels it: its successor has the answer."""

    async def abort_once(_request: Any, context: Any) -> None:  # noqa: ANN401 - of any method
        if len(stand.echo.seen) == 1:
            await context.abort(code, "again")

    stand.echo.behaviour = abort_once
    await call(stand.one, Item(), timeout_s=10)
    assert len(stand.echo.seen) == 2


async def test_tries_end_with_the_callers_time(stand: Stand) -> None:
    stand.echo.behaviour = failing(10**6, LATER.error())
    loop = asyncio.get_running_loop()
    begun = loop.time()
    with pytest.raises(Retryable, match="later"):
        await call(stand.one, Item(), timeout_s=0.3)
    assert loop.time() - begun < 5
    assert 1 < len(stand.echo.seen) < 50


async def test_a_delay_that_the_server_wants_and_time_does_not_allow_ends_the_call(stand: Stand) -> None:
    stand.echo.behaviour = failing(1, Refusal("full", kind=Kind.EXHAUSTED, after_s=3600).error())
    async with asyncio.timeout(5):
        with pytest.raises(Retryable, match="full"):
            await call(stand.one, Item(), timeout_s=60)


@asynccontextmanager
async def slow_to_greet(port: int, delay_s: float) -> AsyncIterator[tuple[int, list[int]]]:
    """Stand before a server that takes a connection at once and says its first word late, as a busy one does.

    Yields the port to connect to, and a list that gets an entry for each connection.
    """
    greeted: list[int] = []

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65_536):
            sink.write(chunk)
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(len(greeted))
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(delay_s)  # the delay is what is tested
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(carry(reader, far_writer))
                group.create_task(carry(far_reader, writer))
        except* OSError:
            writer.transport.abort()
            far_writer.transport.abort()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], greeted


async def test_a_busy_server_that_greets_late_is_waited_for(stand: Stand) -> None:
    """One second without a word is an event loop at work and no absence: one connection is made, and it serves."""
    async with slow_to_greet(stand.server.port, 1.0) as (port, greeted), channel(f"127.0.0.1:{port}") as late:
        one = late.unary_unary(
            f"/{NAME}/One",
            request_serializer=Item.SerializeToString,
            response_deserializer=Item.FromString,
        )
        assert await one(Item(position=4), timeout=10) == Item(position=4)
    assert len(greeted) == 1


async def test_an_answer_that_does_not_come_is_too_late(stand: Stand) -> None:
    async def never(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        await asyncio.Event().wait()

    await call(stand.one, Item(), timeout_s=10)  # connected: the next one's time is the server's alone
    stand.echo.behaviour = never
    with pytest.raises(Retryable) as late:
        await call(stand.one, Item(), timeout_s=0.5)
    assert late.value.kind is Kind.TOO_LATE
    assert len(stand.echo.seen) == 2


async def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]

    async def read() -> books_pb2.GetBooksResponse:
        return books_pb2.GetBooksResponse()

    server = GrpcServer(
        f"127.0.0.1:{port}",
        [
            (
                books_pb2_grpc.add_BooksServiceServicer_to_server,
                BooksServicer("intake", read),
                "hub.books.v1.BooksService",
            )
        ],
        Metrics(),
    )
    async with channel(f"127.0.0.1:{port}") as client:
        stub = books_pb2_grpc.BooksServiceStub(client)
        with pytest.raises(Retryable) as gone:
            await call(stub.GetBooks, books_pb2.GetBooksRequest(), timeout_s=5, retry=False)
        assert gone.value.kind is Kind.UNAVAILABLE
        waiting = asyncio.create_task(call(stub.GetBooks, books_pb2.GetBooksRequest(), timeout_s=20))
        await server.start()
        assert (await waiting).service == "intake"
    await server.stop()


async def test_the_correlation_id_of_the_context_travels(stand: Stand) -> None:
    seen: list[str] = []

    async def note(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        seen.append(structlog.contextvars.get_contextvars()["correlation_id"])

    stand.echo.behaviour = note
    with structlog.contextvars.bound_contextvars(correlation_id="from-rest"):
        await call(stand.one, Item(), timeout_s=5)
        await call(stand.one, Item(), timeout_s=5, metadata=((CORRELATION_KEY, "own"), ("x", "y")))
    assert seen == ["from-rest", "own"]


async def test_a_call_may_be_cancelled(stand: Stand) -> None:
    begun = asyncio.Event()

    async def never(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        begun.set()
        await asyncio.Event().wait()

    stand.echo.behaviour = never
    task = asyncio.create_task(call(stand.one, Item(), timeout_s=60))
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_an_error_without_a_status_is_internal() -> None:
    assert refusal_of(grpc.RpcError("x")).kind is Kind.INTERNAL
