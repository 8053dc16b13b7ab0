"""uvicorn as a part: it listens, it stops in time, and it leaves signals alone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter

from hub.errors import Fault
from hub.runtime.health import Report, Status
from hub.runtime.metrics import Metrics
from hub.runtime.process import run
from hub.web.app import build_app
from hub.web.connection import BoundedConnection
from hub.web.server import HttpServer
from tests.support.buses import until


def site(*routers: APIRouter) -> Any:  # noqa: ANN401 - an ASGI application
    return build_app("t", metrics=Metrics(), healthy=lambda: Report(Status.OK), routers=routers)


def client(server: HttpServer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False)


async def test_it_serves_once_started_and_not_once_stopped() -> None:
    server = HttpServer(site(), "127.0.0.1", 0)
    await server.start()
    async with client(server) as asking:
        assert (await asking.get("/healthz")).json() == {"status": "ok", "detail": "", "parts": {}}
        assert "server" not in (await asking.get("/healthz")).headers
    await server.stop()
    async with client(server) as asking:
        with pytest.raises(httpx2.ConnectError):
            await asking.get("/healthz")


async def test_a_refusal_for_size_arrives_over_a_real_connection() -> None:
    server = HttpServer(site(), "127.0.0.1", 0)
    await server.start()
    async with client(server) as asking:
        response = await asking.post("/x", content=b"x" * 3_000_000, headers={"content-type": "application/json"})
    assert response.status_code == 413
    await server.stop()


@asynccontextmanager
async def stopping_in_a_request() -> AsyncIterator[HttpServer]:
    """A server that was told to stop in the middle of a request; the request goes on, and both end well."""
    begun, gate = asyncio.Event(), asyncio.Event()
    router = APIRouter()

    @router.get("/slow")
    async def slow() -> str:
        begun.set()
        await gate.wait()
        return "done"

    server = HttpServer(site(router), "127.0.0.1", 0)
    await server.start()
    async with client(server) as asking:
        answer = asyncio.create_task(asking.get("/slow"))
        await asyncio.wait_for(begun.wait(), 10)
        stopping = asyncio.create_task(server.stop())
        yield server
        gate.set()
        assert (await answer).json() == "done"
        await asyncio.wait_for(stopping, 10)


async def test_a_request_under_way_is_finished() -> None:
    async with stopping_in_a_request():
        pass


async def test_a_connection_that_is_made_while_the_server_stops_is_closed_at_once() -> None:
    """It was accepted just before, and uvicorn has not seen it when it closes the others."""
    async with stopping_in_a_request() as server:
        inner = server._server
        assert inner is not None
        await until(lambda: not inner.servers[0].is_serving())
        theirs, ours = socket.socketpair()
        theirs.settimeout(0)
        connection = BoundedConnection(config=inner.config, server_state=inner.server_state, app_state={})
        await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, ours)
        reader, writer = await asyncio.open_connection(sock=theirs)
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()


async def test_a_request_that_never_ends_does_not_hold_the_stop() -> None:
    begun = asyncio.Event()
    router = APIRouter()

    @router.get("/stuck")
    async def stuck() -> None:
        begun.set()
        await asyncio.Event().wait()

    server = HttpServer(site(router), "127.0.0.1", 0, grace_s=1)
    await server.start()
    async with client(server) as asking:
        answer = asyncio.create_task(asking.get("/stuck"))
        await asyncio.wait_for(begun.wait(), 10)
        await asyncio.wait_for(server.stop(), 10)
        await asyncio.gather(answer, return_exceptions=True)


HEADS = [b"", b"GET /healthz HTT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"]


async def silence(server: HttpServer, begun: bytes, *, after_a_request: bool) -> bytes:
    """Send half a head and return what comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    if after_a_request:
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"}}")
    writer.write(begun)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_head_that_does_not_come_closes_the_connection_and_a_slow_answer_does_not() -> None:
    gate = asyncio.Event()
    router = APIRouter()

    @router.get("/slow")
    async def slow() -> str:
        await gate.wait()
        return "done"

    server = HttpServer(site(router), "127.0.0.1", 0, idle_s=1)
    await server.start()
    async with asyncio.timeout(20), client(server) as asking:
        answer = asyncio.create_task(asking.get("/slow"))
        silences = [silence(server, head, after_a_request=after) for head in HEADS for after in (False, True)]
        assert set(await asyncio.gather(*silences)) == {b""}
        gate.set()
        assert (await answer).json() == "done"
    await server.stop()


async def test_a_taken_port_is_a_fault() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(Fault, match="port_taken"):
            await HttpServer(site(), "127.0.0.1", busy.getsockname()[1]).start()


async def test_a_server_that_ends_by_itself_is_a_failure() -> None:
    server = HttpServer(site(), "127.0.0.1", 0)
    await server.start()
    assert server._serving is not None
    server._serving.cancel()
    with pytest.raises(Fault, match="http_ended"):
        await server.failed()
    await server.stop()


async def test_what_never_started_stops_and_cannot_be_watched() -> None:
    server = HttpServer(site(), "127.0.0.1", 0)
    await server.stop()
    with pytest.raises(Fault, match="not_started"):
        await server.failed()


async def test_signals_belong_to_the_process() -> None:
    class Ender:
        name = "ender"

        async def start(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        async def stop(self) -> None:
            pass

        async def failed(self) -> None:
            await asyncio.Event().wait()

    before = signal.getsignal(signal.SIGTERM)
    server = HttpServer(site(), "127.0.0.1", 0)
    assert await asyncio.wait_for(run([server, Ender()]), 20) == 0
    assert signal.getsignal(signal.SIGTERM) == before
