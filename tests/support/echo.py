"""A gRPC service with a method of each of the four shapes, on a real server; for tests of hub.grpc."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest

from dispute.wire.stats.v1 import stats_pb2
from hub.grpc.client import channel
from hub.grpc.server import GrpcServer
from hub.runtime.metrics import Metrics
from hub.wire.stream.v1 import stream_pb2

# The name of a real service, because its methods are looked up for the metrics; what it does is the test's.
NAME: str = stats_pb2.DESCRIPTOR.services_by_name["StatsService"].full_name
Item = stream_pb2.StreamPosition


class Echo:
    """Runs what the test put in; by default answers what it was asked."""

    def __init__(self) -> None:
        self.behaviour: Callable[[Any, Any], Awaitable[Any]] | None = None
        self.answer: object = None
        self.seen: list[Any] = []
        self.closed = asyncio.Event()

    async def one(self, request: Item, context: Any) -> Item:  # noqa: ANN401 - of any method
        self.seen.append(request)
        if self.behaviour is not None:
            await self.behaviour(request, context)
        return request

    async def down(self, request: Item, context: Any) -> AsyncIterator[Item]:  # noqa: ANN401 - as above
        try:
            for number in range(request.position):
                yield Item(position=number)
            if self.behaviour is not None:
                await self.behaviour(request, context)
        finally:
            self.closed.set()

    async def down_by_writing(self, request: Item, context: Any) -> None:  # noqa: ANN401 - as above
        for number in range(request.position):
            await context.write(Item(position=number))
        if self.behaviour is not None:
            await self.behaviour(request, context)

    async def up(self, requests: AsyncIterator[Item], context: Any) -> Item:  # noqa: ANN401 - as above
        total = 0
        async for request in requests:
            total += request.position
            if self.behaviour is not None:
                await self.behaviour(request, context)
        return Item(position=total)

    async def both(self, requests: AsyncIterator[Item], context: Any) -> AsyncIterator[Item]:  # noqa: ANN401 - as above
        async for request in requests:
            if self.behaviour is not None:
                await self.behaviour(request, context)
            yield request

    def plain(self, request: Item, _context: Any) -> Any:  # noqa: ANN401 - as above
        return request if self.answer is None else self.answer


def add_echo(echo: Echo, server: Any) -> None:  # noqa: ANN401 - as the generated functions
    read, write = Item.FromString, Item.SerializeToString
    handlers = {
        "One": grpc.unary_unary_rpc_method_handler(echo.one, read, write),
        "Down": grpc.unary_stream_rpc_method_handler(echo.down, read, write),
        "DownByWriting": grpc.unary_stream_rpc_method_handler(echo.down_by_writing, read, write),
        "Up": grpc.stream_unary_rpc_method_handler(echo.up, read, write),
        "Both": grpc.stream_stream_rpc_method_handler(echo.both, read, write),
        "Plain": grpc.unary_unary_rpc_method_handler(echo.plain, read, write),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


class Stand:
    """Server, its service and a client."""

    def __init__(self, server: GrpcServer, echo: Echo, metrics: Metrics, client: grpc.aio.Channel) -> None:
        self.server = server
        self.echo = echo
        self.metrics = metrics
        self.client: Any = client
        coding = {"request_serializer": Item.SerializeToString, "response_deserializer": Item.FromString}
        self.one: Any = client.unary_unary(f"/{NAME}/One", **coding)  # type: ignore[arg-type] # coding of both sides
        self.plain: Any = client.unary_unary(f"/{NAME}/Plain", **coding)  # type: ignore[arg-type] # as above
        self.down: Any = client.unary_stream(f"/{NAME}/Down", **coding)  # type: ignore[arg-type] # as above
        self.down_by_writing: Any = client.unary_stream(f"/{NAME}/DownByWriting", **coding)  # type: ignore[arg-type] # as above
        self.up: Any = client.stream_unary(f"/{NAME}/Up", **coding)  # type: ignore[arg-type] # as above
        self.both: Any = client.stream_stream(f"/{NAME}/Both", **coding)  # type: ignore[arg-type] # as above

    def count(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"grpc_service": NAME, **labels})


async def until(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait for a condition that nothing signals; fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


MakeStand = Callable[..., Awaitable[Stand]]


@pytest.fixture
async def make_stand() -> AsyncIterator[MakeStand]:
    """Return a maker of stands; everything it made is stopped."""
    stands: list[Stand] = []

    async def build(**options: Any) -> Stand:  # noqa: ANN401 - of GrpcServer
        echo, metrics = Echo(), Metrics()
        server = GrpcServer("127.0.0.1:0", [(add_echo, echo, NAME)], metrics, **options)
        await server.start()
        stands.append(Stand(server, echo, metrics, channel(f"127.0.0.1:{server.port}")))
        return stands[-1]

    yield build
    for stand in stands:
        await stand.client.close()
        await stand.server.stop()


@pytest.fixture
async def stand(make_stand: MakeStand) -> Stand:
    """A stand with the defaults."""
    return await make_stand()
