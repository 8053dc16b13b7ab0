"""The gRPC edge at every service: who waits shuts nobody out, and every call ends with a status in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # the package has no stubs
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs
from stubs.books.v1 import books_pb2, books_pb2_grpc
from stubs.court.v1 import court_pb2, court_pb2_grpc
from stubs.intake.v1 import intake_pb2, intake_pb2_grpc
from stubs.petition.v1 import petition_pb2, petition_pb2_grpc
from stubs.police.v1 import police_pb2, police_pb2_grpc

from tests.blackbox.hubs import SERVICES, RunningHub

WATCHERS: Final = 600
IN_TIME_S: Final = 45.0
"""Above the bound of a call whose client set no deadline."""
BRIDGE: Final[dict[str, tuple[Any, Any]]] = {
    "court": (court_pb2, court_pb2_grpc.CourtBridgeServiceStub),
    "police": (police_pb2, police_pb2_grpc.PoliceBridgeServiceStub),
    "petition": (petition_pb2, petition_pb2_grpc.PetitionBridgeServiceStub),
}


async def ended(call: Any) -> str:  # noqa: ANN401 - of any method
    """Return the name of a call's status."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


def told_to_wait(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether a refusal names a time."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(details)
    return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)


def books_of(hub: RunningHub, channel: grpc.aio.Channel) -> Any:  # noqa: ANN401 - stubs are untyped
    """Ask for the books, as an operator does."""
    stub = hub.staff.stub(books_pb2_grpc.BooksServiceStub(channel))
    return stub.GetBooks(books_pb2.GetBooksRequest(), timeout=20)


async def shut_out(hub: RunningHub, channel: grpc.aio.Channel, watching: list[Any]) -> list[str]:
    """Begin streams, and return how calls of other kinds end meanwhile."""
    firsts = await asyncio.gather(*(call.read() for call in watching), return_exceptions=True)
    refused = [first for first in firsts if isinstance(first, grpc.aio.AioRpcError)]
    found = [
        await ended(health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)),
        await ended(books_of(hub, channel)),
    ]
    for call in watching:
        call.cancel()
    assert found == ["OK", "OK"]
    assert {error.code().name for error in refused} == {"RESOURCE_EXHAUSTED"}
    assert all(told_to_wait(error) for error in refused)
    return found


@pytest.mark.item("7")
@pytest.mark.parametrize("service", SERVICES)
async def test_watchers_of_health_shut_nobody_out(hub: RunningHub, service: str) -> None:
    async with grpc.aio.insecure_channel(hub.grpc[service]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        await shut_out(hub, channel, [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(WATCHERS)])


@pytest.mark.item("7")
async def test_watchers_of_events_shut_nobody_out(hub: RunningHub) -> None:
    async with grpc.aio.insecure_channel(hub.grpc["intake"]) as channel:
        stub = hub.staff.stub(intake_pb2_grpc.IntakeServiceStub(channel))
        watching = [stub.WatchEvents(intake_pb2.WatchEventsRequest()) for _ in range(WATCHERS)]
        # Those that are let in say nothing until something happens.
        reading = [asyncio.ensure_future(call.read()) for call in watching]
        done, _ = await asyncio.wait(reading, timeout=5)
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        told = [await ended(health), await ended(books_of(hub, channel))]
        for call in watching:
            call.cancel()
        errors = [one.exception() for one in done]
        await asyncio.gather(*reading, return_exceptions=True)
    assert told == ["OK", "OK"]
    assert errors
    assert all(isinstance(error, grpc.aio.AioRpcError) and told_to_wait(error) for error in errors)


@pytest.mark.item("9")
async def test_a_cursor_beyond_the_end_is_refused(hub: RunningHub, bridge: str) -> None:
    messages, stub = BRIDGE[bridge]
    async with grpc.aio.insecure_channel(hub.grpc[f"{bridge}_bridge"]) as channel:
        request = messages.ListResultsRequest(after_cursor=10**9)
        key = (("x-api-key", hub.keys[bridge]),)
        assert await ended(stub(channel).ListResults(request, metadata=key, timeout=20)) == "FAILED_PRECONDITION"


@pytest.mark.item("11")
async def test_a_call_whose_request_never_comes_ends_with_a_status_in_time(hub: RunningHub) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def end_of(service: str) -> str:
        async with grpc.aio.insecure_channel(hub.grpc[service]) as channel:
            method: Any = channel.stream_unary("/hub.books.v1.BooksService/GetBooks")
            call = method(nothing(), metadata=hub.staff.who("operator"))
            try:
                return await asyncio.wait_for(ended(call), IN_TIME_S)
            except TimeoutError:
                return "none"

    ends = dict(zip(SERVICES, await asyncio.gather(*map(end_of, SERVICES)), strict=True))
    assert ends == dict.fromkeys(SERVICES, "DEADLINE_EXCEEDED")
