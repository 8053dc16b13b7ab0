"""The gRPC server, as a part of its process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs
from grpc_health.v1.health import aio as health_aio  # type: ignore[import-untyped] # no stubs
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped] # no stubs

from hub.access.gate import Gate
from hub.errors import Fault
from hub.grpc.call import Bounds
from hub.grpc.interceptor import CallGuard
from hub.grpc.quotas import CallQuotas
from hub.runtime.metrics import Metrics
from hub.runtime.tasks import outcome_of

MAX_RECEIVE_BYTES: Final = 4 * 1024 * 1024
MAX_SEND_BYTES: Final = 16 * 1024 * 1024

Service: TypeAlias = tuple[Callable[[Any, Any], None], object, str]
"""(generated `add_XServicer_to_server`, servicer, full name such as `hub.books.v1.BooksService`)."""

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.max_send_message_length", MAX_SEND_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.so_reuseport", 0),  # a second process on the same port must fail, not share
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 3),
    ("grpc.keepalive_permit_without_calls", 1),
)
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING


class GrpcServer:
    """Serves the services, health and reflection on one address.

    Args:
        address: `host:port`; port 0 takes a free one.
        services: What to serve.
        metrics: Calls are counted and timed there.
        bounds: For how long a call may run, whatever deadline its client set.
        quotas: How many may run at once, in total and of one caller; a call above that is refused at once.
        gate: Lets callers pass; health and reflection are open to everybody. None lets everybody.
        grace_s: Time that calls under way have to finish when the server stops.
        reflect: Serve reflection; off in the production profile.

    Attributes:
        port: The port that is listened on; 0 before the start.
    """

    name = "grpc"

    def __init__(
        self,
        address: str,
        services: Sequence[Service],
        metrics: Metrics,
        *,
        bounds: Bounds | None = None,
        quotas: CallQuotas | None = None,
        gate: Gate | None = None,
        grace_s: float = 5.0,
        reflect: bool = True,
    ) -> None:
        self.port = 0
        self._address = address
        self._services = services
        self._metrics = metrics
        self._bounds = bounds or Bounds()
        self._quotas = quotas or CallQuotas()
        self._gate = gate
        self._grace_s = grace_s
        self._reflect = reflect
        self._health = health_aio.HealthServicer()
        self._guard: CallGuard | None = None
        self._server: grpc.aio.Server | None = None
        self._fault: asyncio.Future[Fault] | None = None

    async def start(self) -> None:
        """Listen, then report SERVING.

        Raises:
            Fault: `port_taken` when the address cannot be had.
        """
        names = [name for _, _, name in self._services]
        self._begin_metrics(names)
        self._fault = asyncio.get_running_loop().create_future()
        self._guard = CallGuard(
            self._metrics, bounds=self._bounds, quotas=self._quotas, gate=self._gate, on_fault=self._on_fault
        )
        # The server is built here and not in __init__: grpc.aio binds itself to the loop that runs now.
        # No `maximum_concurrent_rpcs`: it is one bound for health and everything else, and does not know callers.
        server = grpc.aio.server(interceptors=[self._guard], options=_OPTIONS)
        for add, servicer, _ in self._services:
            add(servicer, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._reflect:
            reflection.enable_server_reflection(
                [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
            )
        try:
            self.port = server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise Fault("port_taken", f"cannot listen on {self._address}") from error
        self._server = server
        await server.start()
        await self.set_serving(serving=True)

    async def set_serving(self, *, serving: bool) -> None:
        """Report to health clients whether the server works.

        The status is set under every service's name and under the empty name.
        """
        for name in ("", *(name for _, _, name in self._services)):
            await self._health.set(name, _SERVING if serving else _NOT_SERVING)

    async def stop(self) -> None:
        """Stop within the grace time.

        The server reports NOT_SERVING, ends streams, lets calls finish within the grace, and closes.
        """
        if self._server is None or self._guard is None:
            return
        await self._health.enter_graceful_shutdown()
        stopping = asyncio.ensure_future(self._server.stop(self._grace_s))
        # Only after new calls are refused: a watcher that reconnects at once must not be accepted again.
        await asyncio.sleep(0)
        self._guard.drain()
        await stopping

    async def failed(self) -> None:
        """Wait; raise the `Fault` that a servicer raised."""
        if self._fault is None:
            raise Fault("not_started", "the gRPC server was not started")
        raise await outcome_of(self._fault)

    def _on_fault(self, fault: Fault) -> None:
        if self._fault is not None and not self._fault.done():
            self._fault.set_result(fault)

    def _begin_metrics(self, names: Sequence[str]) -> None:
        for name in names:
            for method in descriptor_pool.Default().FindServiceByName(name).methods:
                labels = {"grpc_service": name, "grpc_method": method.name}
                self._metrics.begin("grpc_server_started_total", **labels)
                self._metrics.begin("grpc_server_handled_total", **labels, grpc_code=grpc.StatusCode.OK.name)
                self._metrics.begin("grpc_server_handling_seconds", **labels)
