"""An answer comes in time, or it is an answer that it didn't."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import APIRouter, Request

from hub.http.app import build_app
from hub.http.body import BodyLimits, JsonBody
from hub.runtime.health import HealthReport, HealthStatus
from hub.runtime.metrics import Metrics

BOUND_S = 0.05


def client(router: APIRouter) -> httpx2.AsyncClient:
    app = build_app(
        "t", metrics=Metrics(), healthy=lambda: HealthReport(HealthStatus.OK), routers=[router], answer_s=BOUND_S
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://x")


async def test_a_request_that_takes_too_long_is_told_to_ask_again() -> None:
    router, ended = APIRouter(), asyncio.Event()

    @router.post("/stuck")
    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with client(router) as asking:
        answer = await asyncio.wait_for(asking.post("/stuck", json={}), 10)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (504, "deadline_exceeded", "2")
    assert ended.is_set()


async def test_the_time_of_a_slow_sender_does_not_count() -> None:
    router, bodies = APIRouter(), JsonBody(BodyLimits(timeout_s=BOUND_S * 4))

    @router.post("/echo")
    async def echo(request: Request) -> object:
        return await bodies.read(request)

    async def slow() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.Event().wait()

    async with client(router) as asking:
        answer = await asking.post("/echo", content=slow(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")


async def test_a_time_out_of_the_handler_s_own_is_its_bug() -> None:
    router = APIRouter()

    @router.get("/own")
    async def own() -> None:
        raise TimeoutError

    async with client(router) as asking:
        answer = await asking.get("/own")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
async def test_what_is_quick_is_answered(path: str) -> None:
    async with client(APIRouter()) as asking:
        assert (await asking.get(path)).status_code == 200
