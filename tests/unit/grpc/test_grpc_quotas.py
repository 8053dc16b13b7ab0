"""Streams, calls and health take nothing from each other; neither does one caller from another."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs

from hub.errors import Kind
from hub.grpc.quotas import CallQuotas
from tests.support.echo import Item, MakeStand, Stand
from tests.unit.grpc.test_grpc_server import for_ever, refusal

HEALTH = health_pb2.HealthCheckRequest()


async def watchers(stand: Stand, count: int, *, serving: int) -> list[Any]:
    """Open health watches until `serving` of `count` are served and the others were refused."""
    stub = health_pb2_grpc.HealthStub(stand.client)
    calls = [stub.Watch(HEALTH) for _ in range(count)]
    firsts = await asyncio.gather(*(call.read() for call in calls), return_exceptions=True)
    refused = [first for first in firsts if isinstance(first, grpc.aio.AioRpcError)]
    assert [error.code() for error in refused] == [grpc.StatusCode.RESOURCE_EXHAUSTED] * (count - serving)
    return calls


async def test_watchers_of_health_take_no_place_of_anything_else(make_stand: MakeStand) -> None:
    stand = await make_stand(quotas=CallQuotas(calls=(1, 1)))
    calls = await watchers(stand, 40, serving=16)
    assert await stand.one(Item(position=3)) == Item(position=3)
    assert (await health_pb2_grpc.HealthStub(stand.client).Check(HEALTH)).status == 1
    for call in calls:
        call.cancel()


async def test_streams_take_no_place_of_calls_and_are_refused_with_a_time(make_stand: MakeStand) -> None:
    stand = await make_stand(quotas=CallQuotas(streams=(2, 2)))
    stand.echo.behaviour = for_ever
    held = [stand.down(Item(position=1)) for _ in range(2)]
    for call in held:
        await call.read()
    verdict = await refusal(stand.down(Item(position=1)).read())
    assert not verdict.is_final
    assert (verdict.code, verdict.kind, verdict.after_s) == ("too_many_at_once", Kind.EXHAUSTED, 1.0)
    stand.echo.behaviour = None
    assert await stand.one(Item(position=3)) == Item(position=3)
    held.pop().cancel()
    async with asyncio.timeout(10):
        while not (again := await first_of(stand)):  # until the server has heard of the client's leave
            pass
    assert again[0] == Item(position=0)
    for call in held:
        call.cancel()


async def first_of(stand: Stand) -> list[Item]:
    """Return the first message of a new stream, empty when it was refused."""
    with suppress(grpc.aio.AioRpcError):
        return [await stand.down(Item(position=1)).read()]
    return []


@pytest.mark.parametrize(("key", "served"), [("good", True), ("bad", False), (None, False)])
async def test_strangers_leave_room_for_who_shows_a_credential(
    make_stand: MakeStand,
    key: str | None,
    served: bool,  # noqa: FBT001 - drawn
) -> None:
    stand = await make_stand(quotas=CallQuotas({"good": "court-1"}.get, calls=(4, 3)))
    begun = asyncio.Semaphore(0)

    async def hold(request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        if request.position == 0:
            begun.release()
            await asyncio.Event().wait()

    stand.echo.behaviour = hold
    held = [stand.one(Item(position=0)) for _ in range(3)]
    for _ in held:
        await asyncio.wait_for(begun.acquire(), 10)
    call = stand.one(Item(position=7), metadata=(("x-api-key", key),) if key else None)
    if served:
        assert await call == Item(position=7)
    else:
        assert (await refusal(call)).kind is Kind.EXHAUSTED
    for one in held:
        one.cancel()
