"""What a call meets at a server: verdicts as statuses, deadlines, limits, health, metrics, a bounded end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped] # no stubs
from structlog.testing import capture_logs

from hub.errors import Fault, Kind, Refusal
from hub.grpc.call import CORRELATION_KEY, Bounds
from hub.grpc.client import channel, refusal_of
from hub.grpc.quotas import CallQuotas
from hub.grpc.server import GrpcServer
from hub.runtime.metrics import Metrics
from tests.support.echo import NAME, Item, MakeStand, Stand, until


def raising(error: BaseException) -> Callable[[Any, Any], Awaitable[None]]:
    async def behaviour(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        raise error

    return behaviour


async def for_ever(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
    await asyncio.Event().wait()


async def upload(*positions: int) -> AsyncIterator[Item]:
    for position in positions:
        yield Item(position=position)


async def invoke(stand: Stand, shape: str) -> None:
    """Call a method of the given shape to its end."""
    if shape == "one":
        await stand.one(Item(position=1))
    elif shape == "up":
        await stand.up(upload(1))
    else:
        answers = stand.both(upload(1)) if shape == "both" else getattr(stand, shape)(Item(position=2))
        async for _ in answers:
            pass


async def refusal(call: Awaitable[Any]) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return refusal_of(failed.value)


SHAPES = ["one", "up", "down", "down_by_writing", "both"]


async def test_answers_of_every_shape_pass(stand: Stand) -> None:
    assert await stand.one(Item(stream="甲", position=3)) == Item(stream="甲", position=3)
    assert await stand.plain(Item(position=3)) == Item(position=3)
    assert await stand.up(upload(1, 2, 3)) == Item(position=6)
    assert [item.position async for item in stand.down(Item(position=3))] == [0, 1, 2]
    assert [item.position async for item in stand.down_by_writing(Item(position=3))] == [0, 1, 2]
    assert [item.position async for item in stand.both(upload(5, 6))] == [5, 6]


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_verdict_crosses_in_every_shape(stand: Stand, shape: str) -> None:
    stand.echo.behaviour = raising(Refusal("consent_missing", "no", Kind.WRONG_STATE, "consents.0").error())
    verdict = await refusal(invoke(stand, shape))
    assert (verdict.code, verdict.detail, verdict.kind, verdict.field) == (
        "consent_missing",
        "no",
        Kind.WRONG_STATE,
        "consents.0",
    )


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_put_off_crosses_with_its_delay(stand: Stand, shape: str) -> None:
    stand.echo.behaviour = raising(Refusal("outbox_full", kind=Kind.EXHAUSTED, after_s=2.5).error())
    verdict = await refusal(invoke(stand, shape))
    assert (verdict.code, verdict.after_s, verdict.kind) == ("outbox_full", 2.5, Kind.EXHAUSTED)


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_bug_tells_the_caller_nothing_but_where_to_look(stand: Stand, shape: str) -> None:
    stand.echo.behaviour = raising(ValueError("张三 13812345678"))
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs, pytest.raises(grpc.aio.AioRpcError) as failed:
        await invoke(stand, shape)
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    assert (
        "张三" not in f"{failed.value.details()}{failed.value.trailing_metadata()}{failed.value.debug_error_string()}"
    )
    (line,) = [line for line in logs if line["event"] == "rpc_failed"]
    assert line["correlation_id"].encode() in dict(failed.value.trailing_metadata())["grpc-status-details-bin"]


async def test_a_fault_answers_internal_and_ends_the_part(stand: Stand) -> None:
    stand.echo.behaviour = raising(Fault("two_writers", "x"))
    assert (await refusal(stand.one(Item()))).kind is Kind.INTERNAL
    with pytest.raises(Fault, match="two_writers"):
        await stand.server.failed()


async def test_a_servicer_may_abort_by_itself(stand: Stand) -> None:
    async def abort(_request: Any, context: Any) -> None:  # noqa: ANN401 - of any method
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "own")

    stand.echo.behaviour = abort
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stand.one(Item())
    assert (failed.value.code(), failed.value.details()) == (grpc.StatusCode.OUT_OF_RANGE, "own")
    await until(lambda: stand.count("grpc_server_handled_total", grpc_method="One", grpc_code="OUT_OF_RANGE") == 1)


BROKEN = [b"\x0a\x01\xff", b"\x0a\xff", b"\xff\xff\xff", b"\x0a\x02\xed\xa0"]


@pytest.mark.parametrize("raw", BROKEN, ids=["not-utf8", "cut", "no-message", "surrogate"])
@pytest.mark.parametrize("method", ["One", "Down"])
async def test_a_request_that_cannot_be_decoded_is_the_callers_fault(stand: Stand, method: str, raw: bytes) -> None:
    path = f"/{NAME}/{method}"
    if method == "One":
        verdict = await refusal(stand.client.unary_unary(path)(raw))
    else:
        verdict = await refusal(stand.client.unary_stream(path)(raw).read())
    assert (verdict.code, verdict.kind) == ("undecodable_request", Kind.MALFORMED)
    assert stand.echo.seen == []


async def test_a_streamed_request_that_cannot_be_decoded_is_refused_at_its_place(stand: Stand) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield Item(position=1).SerializeToString()
        yield b"\x0a\x01\xff"

    verdict = await refusal(stand.client.stream_unary(f"/{NAME}/Up")(parts()))
    assert (verdict.code, verdict.kind) == ("undecodable_request", Kind.MALFORMED)


async def test_a_message_over_4_mib_is_refused(stand: Stand) -> None:
    size = 4 * 1024 * 1024
    verdict = await refusal(stand.one(Item(stream="x" * size)))
    assert verdict.code == "message_too_large"
    assert len((await stand.one(Item(stream="x" * (size - 10)))).stream) == size - 10


@pytest.mark.parametrize("shape", ["one", "up", "down", "both"])
async def test_a_call_without_a_deadline_is_bounded_all_the_same(make_stand: MakeStand, shape: str) -> None:
    stand = await make_stand(bounds=Bounds(0.05, 0.05, 0.05))
    stand.echo.behaviour = for_ever
    verdict = await refusal(invoke(stand, shape))
    assert (verdict.code, verdict.kind) == ("deadline_exceeded", Kind.TOO_LATE)


async def test_a_deadline_of_the_client_goes_before_the_servers(make_stand: MakeStand) -> None:
    stand = await make_stand(bounds=Bounds(call_s=0.01))
    reached = asyncio.Event()

    async def wait_past_the_default(_request: Any, context: Any) -> None:  # noqa: ANN401 - of any method
        left = context.time_remaining()
        assert left > 1
        reached.set()

    stand.echo.behaviour = wait_past_the_default
    await stand.one(Item(), timeout=30)
    assert reached.is_set()


async def test_a_timeout_error_of_the_servicer_is_its_own_bug(stand: Stand) -> None:
    stand.echo.behaviour = raising(TimeoutError("x"))
    assert (await refusal(stand.one(Item()))).kind is Kind.INTERNAL


async def test_a_client_that_goes_away_ends_the_work(stand: Stand) -> None:
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
    await asyncio.wait_for(ended.wait(), 10)
    await until(lambda: stand.count("grpc_server_handled_total", grpc_method="One", grpc_code="CANCELLED") == 1)


async def test_a_call_past_the_limit_is_refused_at_once(make_stand: MakeStand) -> None:
    stand = await make_stand(quotas=CallQuotas(calls=(2, 2)))
    gate, waiting = asyncio.Event(), asyncio.Semaphore(0)

    async def hold(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        waiting.release()
        await gate.wait()

    stand.echo.behaviour = hold
    calls = [stand.one(Item()) for _ in range(2)]
    for _ in calls:
        await asyncio.wait_for(waiting.acquire(), 10)
    verdict = await refusal(stand.one(Item()))
    assert verdict.kind is Kind.EXHAUSTED
    gate.set()
    assert len(await asyncio.gather(*calls)) == 2


async def test_the_correlation_id_is_carried_or_made(stand: Stand) -> None:
    seen: list[str] = []

    async def note(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        seen.append(structlog.contextvars.get_contextvars()["correlation_id"])

    stand.echo.behaviour = note
    await stand.one(Item(), metadata=((CORRELATION_KEY, "abc-1"),))
    await stand.one(Item(), metadata=((CORRELATION_KEY, "张三".encode().hex() * 40),))
    await stand.one(Item())
    assert seen[0] == "abc-1"
    assert len(seen[1]) == len(seen[2]) == 32
    assert seen[1] != seen[2]


async def test_calls_are_counted_and_timed_from_zero(stand: Stand) -> None:
    assert stand.count("grpc_server_handled_total", grpc_method="GetRates", grpc_code="OK") == 0
    assert stand.count("grpc_server_started_total", grpc_method="GetRates") == 0
    await stand.one(Item())
    stand.echo.behaviour = raising(Refusal("x").error())
    await refusal(stand.one(Item()))
    assert stand.count("grpc_server_started_total", grpc_method="One") == 2
    assert stand.count("grpc_server_handled_total", grpc_method="One", grpc_code="OK") == 1
    # A refusal may reach its caller before the server has counted it.
    await until(lambda: stand.count("grpc_server_handled_total", grpc_method="One", grpc_code="INVALID_ARGUMENT") == 1)
    assert stand.count("grpc_server_handling_seconds_count", grpc_method="One") == 2


async def test_unknown_methods_are_refused_and_make_no_labels(stand: Stand) -> None:
    verdict = await refusal(stand.client.unary_unary(f"/{NAME}/Surprise")(b""))
    assert verdict.code == "unimplemented"
    assert b"Surprise" not in stand.metrics.render()


async def test_a_generator_is_closed_when_its_reader_leaves(stand: Stand) -> None:
    stand.echo.behaviour = for_ever
    call = stand.down(Item(position=1))
    await call.read()
    call.cancel()
    await asyncio.wait_for(stand.echo.closed.wait(), 10)


def health(client: Any) -> Any:  # noqa: ANN401 - untyped stub
    return health_pb2_grpc.HealthStub(client)


@pytest.mark.parametrize("service", ["", NAME])
async def test_health_speaks_for_the_server_and_each_service(stand: Stand, service: str) -> None:
    request = health_pb2.HealthCheckRequest(service=service)
    assert (await health(stand.client).Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    await stand.server.set_serving(serving=False)
    assert (await health(stand.client).Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_of_a_stranger_is_not_found(stand: Stand) -> None:
    verdict = await refusal(health(stand.client).Check(health_pb2.HealthCheckRequest(service="who")))
    assert verdict.kind is Kind.NOT_FOUND


async def test_a_stop_says_not_serving_ends_watchers_and_lets_calls_finish(stand: Stand) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def hold(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        begun.set()
        await gate.wait()

    watch = health(stand.client).Watch(health_pb2.HealthCheckRequest(service=NAME))
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    stand.echo.behaviour = hold
    down, one = stand.down(Item(position=1)), stand.one(Item(position=9))
    await down.read()
    await asyncio.wait_for(begun.wait(), 10)
    stopping = asyncio.create_task(stand.server.stop())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    for stream in (watch, down):
        assert (await refusal(stream.read())).code == "draining"
    assert not stopping.done()
    gate.set()
    assert await one == Item(position=9)
    await asyncio.wait_for(stopping, 10)


class Writer:
    """Writes what its reader does not take: the write is under way when its time is over."""

    ITEM = Item(stream="x" * 12_000_000)

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, _request: Any, context: Any) -> None:  # noqa: ANN401 - of any method
        try:
            await context.write(self.ITEM)
        finally:
            self.ended.set()


async def ended_in_its_first_write(stand: Stand) -> Any:  # noqa: ANN401 - a call
    """Return a call whose writer was ended while it wrote."""
    writer = Writer()
    stand.echo.behaviour = writer
    call = stand.down_by_writing(Item(), timeout=20)
    await asyncio.wait_for(writer.ended.wait(), 10)
    return call


async def test_a_stream_that_is_ended_in_its_first_write_ends_with_its_reason(make_stand: MakeStand) -> None:
    call = await ended_in_its_first_write(await make_stand(bounds=Bounds(stream_s=0.1)))
    assert await call.read() == Writer.ITEM
    assert (await refusal(call.read())).code == "deadline_exceeded"
    assert call.time_remaining() > 0


async def test_a_reader_that_leaves_ends_the_write_and_the_call(make_stand: MakeStand) -> None:
    stand = await make_stand(bounds=Bounds(stream_s=0.1))
    call = await ended_in_its_first_write(stand)
    labels = {"grpc_method": "DownByWriting", "grpc_code": "DEADLINE_EXCEEDED"}
    assert stand.count("grpc_server_handled_total", **labels) is None
    call.cancel()
    await until(lambda: stand.count("grpc_server_handled_total", **labels) == 1)


async def test_a_call_that_never_ends_does_not_hold_the_stop(make_stand: MakeStand) -> None:
    stand = await make_stand(grace_s=0.05)
    begun = asyncio.Event()

    async def hold(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        begun.set()
        await asyncio.Event().wait()

    stand.echo.behaviour = hold
    call = stand.one(Item())
    await asyncio.wait_for(begun.wait(), 10)
    await asyncio.wait_for(stand.server.stop(), 10)
    await refusal(call)


async def services_by_reflection(client: grpc.aio.Channel) -> list[str]:
    async def ask() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    stub = reflection_pb2_grpc.ServerReflectionStub(client)
    async for answer in stub.ServerReflectionInfo(ask()):
        return [service.name for service in answer.list_services_response.service]
    return []


async def test_reflection_names_the_services_unless_switched_off(make_stand: MakeStand) -> None:
    assert NAME in await services_by_reflection((await make_stand()).client)
    closed = await make_stand(reflect=False)
    assert (await refusal(services_by_reflection(closed.client))).code == "unimplemented"


async def test_a_taken_port_is_a_fault(stand: Stand) -> None:
    second = GrpcServer(f"127.0.0.1:{stand.server.port}", [], Metrics())
    with pytest.raises(Fault, match="port_taken"):
        await second.start()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        third = GrpcServer(f"127.0.0.1:{busy.getsockname()[1]}", [], Metrics())
        with pytest.raises(Fault, match="port_taken"):
            await third.start()


async def test_stopping_what_never_started_does_nothing() -> None:
    server = GrpcServer("127.0.0.1:0", [], Metrics())
    await server.stop()
    with pytest.raises(Fault, match="not_started"):
        await server.failed()


async def test_two_servers_live_in_one_process(make_stand: MakeStand) -> None:
    one, two = await make_stand(), await make_stand()
    async with channel(f"127.0.0.1:{two.server.port}") as client:
        await health(client).Check(health_pb2.HealthCheckRequest())
    assert one.server.port != two.server.port
