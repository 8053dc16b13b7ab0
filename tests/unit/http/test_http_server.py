"""uvicorn as a part: it listens, it stops in time, and it leaves signals alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Request

from hub.errors import Fault
from hub.http.app import build_app
from hub.http.body import BodyLimits, JsonBody
from hub.http.connection import BoundedConnection
from hub.http.server import HttpServer
from hub.refusals import UNAUTHENTICATED
from hub.runtime.health import HealthReport, HealthStatus
from hub.runtime.metrics import Metrics
from hub.runtime.process import run
from tests.support.buses import until


def site(*routers: APIRouter) -> Any:  # noqa: ANN401 - an ASGI application
    return build_app("t", metrics=Metrics(), healthy=lambda: HealthReport(HealthStatus.OK), routers=routers)


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


def echo(*, key: str = "") -> APIRouter:
    """A router whose only path takes 1,000 bytes of JSON, from who shows the key."""
    bodies, router = JsonBody(BodyLimits(max_bytes=1000)), APIRouter()

    @router.post("/echo")
    async def take(request: Request) -> Any:  # noqa: ANN401 - any JSON
        if request.headers.get("x-api-key", "") != key:
            raise UNAUTHENTICATED.error()
        return await bodies.read(request)

    return router


@asynccontextmanager
async def serving(*routers: APIRouter) -> AsyncIterator[HttpServer]:
    server = HttpServer(site(*routers), "127.0.0.1", 0)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(("path", "status"), [("/echo", 413), ("/nowhere", 404)])
async def test_a_refusal_arrives_though_its_body_is_not_read_and_the_connection_goes_on(path: str, status: int) -> None:
    async with serving(echo()) as server, client(server) as asking:
        for _ in range(3):
            response = await asking.post(path, content=b"x" * 3_000_000, headers=JSON)
            assert response.status_code == status
            assert (await asking.post("/echo", content=b"[1]", headers=JSON)).json() == [1]


async def raw(server: HttpServer, sent: bytes) -> bytes:
    """Send bytes and return everything that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


EXPECTING = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"


@pytest.mark.parametrize(
    ("headers", "status"),
    [(b"Content-Length: 3\r\n", b"401"), (b"X-API-Key: k\r\nContent-Length: 1001\r\n", b"413")],
)
async def test_nobody_is_told_to_go_on_before_the_key_and_the_size_are_known(headers: bytes, status: bytes) -> None:
    async with serving(echo(key="k")) as server:
        answer = await raw(server, EXPECTING + headers + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in answer.lower()


async def test_who_may_go_on_is_told_so() -> None:
    async with serving(echo(key="k")) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(EXPECTING + b"X-API-Key: k\r\nContent-Length: 3\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 100 ")
        writer.write(b"[1]")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.parametrize("target", [b"http://elsewhere/healthz", b"HTTP://elsewhere:80/healthz"])
async def test_a_target_in_absolute_form_is_served(target: bytes) -> None:
    async with serving() as server:
        answer = await raw(server, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_head_over_a_real_connection_has_no_body() -> None:
    async with serving() as server:
        answer = await raw(server, b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_what_is_no_http_is_refused_in_the_form_of_every_refusal() -> None:
    async with serving() as server:
        head, _, body = (await raw(server, b"NO\x00PE\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    told = json.loads(body)
    assert (told["code"], f"x-correlation-id: {told['correlation_id']}".encode() in head.lower()) == (
        "bad_request",
        True,
    )


async def test_a_body_that_nobody_reads_holds_its_connection_for_a_moment_only() -> None:
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)).startswith(b"HTTP/1.1 404 ")
        with suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)  # far below the time that a head has
        writer.close()


async def test_idle_connections_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.http.connections.MOST", 20)
    async with serving() as server:
        idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(50)]
        async with client(server) as asking:
            for path in ("/healthz", "/metrics", "/nowhere"):
                response = await asking.get(path)
                assert response.status_code == (404 if path == "/nowhere" else 200)
            closed = [await gone(reader) for reader, _ in idle]
        for _, writer in idle:
            writer.close()
    # The oldest made room; those that came last are still open.
    assert closed == [True] * 31 + [False] * 19


async def gone(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(0.05):
            return await reader.read(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


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
