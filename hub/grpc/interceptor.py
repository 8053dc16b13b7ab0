"""Wraps every method of a server once.

The wrapper guards each of its calls, and ends streams when the server drains.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc
from typing_extensions import override

from hub.access.gate import Gate
from hub.errors import Fault
from hub.grpc.call import Bounds, Decode, GuardedMethod, Handler, Streams, many, one
from hub.grpc.quotas import CallQuotas
from hub.runtime.metrics import Metrics


class CallGuard(grpc.aio.ServerInterceptor):
    """Wraps each method at its first call.

    The wrapped method is kept for the later calls.

    Args:
        metrics: Counts and times go there.
        bounds: For how long a call may run.
        quotas: How many may run at once.
        gate: Lets callers pass; None lets everybody.
        on_fault: Called with a `Fault` that a servicer raised: the process has to stop.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        bounds: Bounds,
        quotas: CallQuotas,
        gate: Gate | None = None,
        on_fault: Callable[[Fault], None],
    ) -> None:
        self._metrics = metrics
        self._bounds = bounds
        self._quotas = quotas
        self._gate = gate
        self._on_fault = on_fault
        self._streams = Streams()
        self._wrapped: dict[str, Handler] = {}

    @override
    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the wrapped handler of the method.

        None when there is no such method.
        """
        wrapped = self._wrapped.get(handler_call_details.method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrap(handler_call_details.method, handler)
            self._wrapped[handler_call_details.method] = wrapped
        return wrapped

    def drain(self) -> None:
        """End streamed answers with UNAVAILABLE.

        Watchers then reconnect elsewhere, and the stop does not wait for them.
        """
        self._streams.drain()

    def _wrap(self, method: str, handler: Handler) -> Handler:
        """Return the handler as one of streamed requests.

        The wait for the first request is then within our bounds too.
        """
        decode: Decode = handler.request_deserializer or bytes
        encode = handler.response_serializer
        guarded = GuardedMethod(
            method,
            metrics=self._metrics,
            streams=self._streams,
            bounds=self._bounds,
            quotas=self._quotas,
            gate=self._gate,
            on_fault=self._on_fault,
        )
        read = many(decode) if handler.request_streaming else one(decode)
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            return grpc.stream_stream_rpc_method_handler(guarded.streaming(read, behaviour), None, encode)
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        return grpc.stream_unary_rpc_method_handler(guarded.answering(read, behaviour, encode or bytes), None, None)
