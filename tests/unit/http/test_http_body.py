"""Bodies: bounded in size and time, parsed off the loop when they are large."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Final

import pytest
from fastapi import APIRouter, Request
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from hub.http import body
from hub.http.app import build_app
from hub.http.body import BodyLimits, JsonBody
from hub.http.json_guard import JsonLimits, Unacceptable, parse_json
from hub.runtime.health import HealthReport, HealthStatus
from hub.runtime.metrics import Metrics

MAX: Final = 1000


class Wire:
    """The two ends of an ASGI server, in a test's hand."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def request_of(wire: Wire, **headers: str) -> Request:
    sent = {"content-type": "application/json", "transfer-encoding": "chunked"} | headers
    scope: Scope = {"type": "http", "method": "POST", "headers": [(k.encode(), v.encode()) for k, v in sent.items()]}
    return Request(scope, wire.receive)


async def test_a_slow_body_is_given_up() -> None:
    wire = Wire({"type": "http.request", "body": b"{", "more_body": True})
    with pytest.raises(Unacceptable, match="request_timeout"):
        await JsonBody(BodyLimits(timeout_s=0.01)).read(request_of(wire))


async def test_a_client_that_leaves_in_the_middle_is_no_error() -> None:
    router, bodies = APIRouter(), JsonBody()

    @router.post("/echo")
    async def echo(request: Request) -> object:
        return await bodies.read(request)

    wire = Wire({"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"})
    scope: Scope = {**request_of(wire).scope, "path": "/echo", "query_string": b""}
    app = build_app("t", metrics=Metrics(), healthy=lambda: HealthReport(HealthStatus.OK), routers=[router])
    with capture_logs() as logs:
        await app(scope, wire.receive, wire.send)
    assert (logs, wire.sent) == ([], [])


@pytest.mark.parametrize("length", [str(MAX + 1), "9" * 30])
async def test_a_body_that_is_told_too_large_is_not_read(length: str) -> None:
    wire = Wire()
    with pytest.raises(Unacceptable, match="too_large"):
        await JsonBody(BodyLimits(max_bytes=MAX)).read(request_of(wire, **{"content-length": length}))


async def test_a_large_body_is_parsed_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def parsed(raw: bytes, limits: JsonLimits) -> object:
        threads.append(threading.current_thread())
        return parse_json(raw, limits)

    monkeypatch.setattr(body, "parse_json", parsed)
    for count, off in ((1, False), (9_000, True)):
        raw = json.dumps([{"n": number} for number in range(count)]).encode()
        value = await JsonBody().read(request_of(Wire({"type": "http.request", "body": raw, "more_body": False})))
        assert value == json.loads(raw)
        assert (threads.pop() is not threading.main_thread()) is off
