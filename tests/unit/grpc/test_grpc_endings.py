"""However a servicer ends, and when it does not end: the caller gets a status, and long before its own deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from hub.errors import Kind
from hub.grpc.call import Bounds, time_left
from tests.support.echo import NAME, Item, MakeStand, Stand, until
from tests.unit.grpc.test_grpc_server import SHAPES, for_ever, invoke, raising, refusal

AT_ONCE_S = 5.0
"""Far below the deadline of the calls here, far above what an answer takes."""


class Odd(BaseException):
    """No `Exception`."""


@dataclass
class Case:
    """No message; its text tells a name."""

    name: str


async def cancelled_elsewhere(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
    foreign = asyncio.get_running_loop().create_future()
    foreign.cancel()
    await foreign


async def cancelling_itself(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.Event().wait()


async def deaf_to_cancellation(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.Event().wait()


ENDINGS: list[tuple[str, Callable[[Any, Any], Awaitable[None]], Kind]] = [
    ("cancelled elsewhere", cancelled_elsewhere, Kind.UNAVAILABLE),
    ("cancelling itself", cancelling_itself, Kind.UNAVAILABLE),
    ("cancelled", raising(asyncio.CancelledError()), Kind.UNAVAILABLE),
    ("no Exception", raising(Odd()), Kind.INTERNAL),
    ("a group of them", raising(BaseExceptionGroup("x", [Odd()])), Kind.INTERNAL),
    ("closing", raising(GeneratorExit()), Kind.INTERNAL),
    ("use of gRPC", raising(grpc.aio.UsageError("x")), Kind.INTERNAL),
    ("end of another iteration", raising(StopAsyncIteration()), Kind.INTERNAL),
    ("abort of another call", raising(grpc.aio.AbortError()), Kind.INTERNAL),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("behaviour", "kind"), [ending[1:] for ending in ENDINGS], ids=[e[0] for e in ENDINGS])
async def test_every_ending_sends_a_status(
    stand: Stand, shape: str, behaviour: Callable[[Any, Any], Awaitable[None]], kind: Kind
) -> None:
    stand.echo.behaviour = behaviour
    with capture_logs():
        verdict = await asyncio.wait_for(refusal(invoke(stand, shape)), AT_ONCE_S)
    assert verdict.kind is kind
    assert verdict.code == ("interrupted" if kind is Kind.UNAVAILABLE else "internal")


async def test_work_that_was_interrupted_is_our_error_in_the_log(stand: Stand) -> None:
    stand.echo.behaviour = cancelled_elsewhere
    with capture_logs() as logs:
        verdict = await refusal(stand.one(Item()))
    assert not verdict.is_final
    assert [line["log_level"] for line in logs if line["event"] == "rpc_interrupted"] == ["error"]


async def test_an_answer_that_is_no_message_is_our_bug_and_tells_nothing(stand: Stand) -> None:
    stand.echo.answer = Case("张三")
    with capture_logs(), pytest.raises(grpc.aio.AioRpcError) as failed:
        await stand.plain(Item())
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert "张三" not in (failed.value.details() or "")


@pytest.mark.parametrize("behaviour", [for_ever, deaf_to_cancellation])
async def test_the_bound_holds_against_the_clients_longer_deadline(
    make_stand: MakeStand, behaviour: Callable[[Any, Any], Awaitable[None]]
) -> None:
    stand = await make_stand(bounds=Bounds(longest_s=0.05))
    stand.echo.behaviour = behaviour
    verdict = await asyncio.wait_for(refusal(stand.one(Item(), timeout=60)), AT_ONCE_S)
    assert (verdict.code, verdict.kind) == ("deadline_exceeded", Kind.TOO_LATE)


async def test_a_request_that_never_comes_is_within_the_bound_too(make_stand: MakeStand) -> None:
    stand = await make_stand(bounds=Bounds(call_s=0.05))

    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    # A client may open a call and keep its message to itself.
    verdict = await asyncio.wait_for(refusal(stand.client.stream_unary(f"/{NAME}/One")(nothing())), AT_ONCE_S)
    assert (verdict.code, verdict.kind) == ("deadline_exceeded", Kind.TOO_LATE)


async def test_a_call_that_ends_without_a_request_is_refused(stand: Stand) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    verdict = await refusal(stand.client.stream_unary(f"/{NAME}/One")(nothing()))
    assert (verdict.code, verdict.kind) == ("undecodable_request", Kind.MALFORMED)


@pytest.mark.parametrize(("timeout_s", "least", "most"), [(None, 19, 20), (10, 9, 10.5), (90, 39, 40)])
async def test_a_servicer_knows_how_long_it_has(
    make_stand: MakeStand, timeout_s: float | None, least: float, most: float
) -> None:
    stand = await make_stand(bounds=Bounds(call_s=20, longest_s=40))
    left: list[float] = []

    async def note(_request: Any, context: Any) -> None:  # noqa: ANN401 - of any method
        left.append(time_left(context))

    stand.echo.behaviour = note
    await stand.one(Item(), timeout=timeout_s)
    assert least < left[0] <= most


async def test_work_that_its_client_left_is_ended_before_the_call_is(stand: Stand) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    stand.echo.behaviour = work
    call = stand.one(Item())
    await asyncio.wait_for(begun.wait(), 10)
    call.cancel()
    await until(lambda: stand.count("grpc_server_handled_total", grpc_method="One", grpc_code="CANCELLED") == 1)
    assert ended.is_set()
