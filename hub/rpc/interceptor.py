"""Wraps every method of a server once, so that each of its calls is guarded; streams end when the server drains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc
from typing_extensions import override

from hub.errors import Fault
from hub.rpc.call import Decode, GuardedMethod, Handler, Streams, many, one
from hub.runtime.metrics import Metrics


class CallGuard(grpc.aio.ServerInterceptor):
    """Wraps each method at its first call and keeps the wrapped one.

    Args:
        metrics: Counts and times go there.
        deadline_s: Bound of a call with one answer whose client set no deadline.
        stream_deadline_s: Bound of a streamed answer whose client set no deadline.
        on_fault: Called with a `Fault` that a servicer raised: the process has to stop.
    """

    def __init__(
        self, metrics: Metrics, *, deadline_s: float, stream_deadline_s: float, on_fault: Callable[[Fault], None]
    ) -> None:
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._stream_deadline_s = stream_deadline_s
        self._on_fault = on_fault
        self._streams = Streams()
        self._wrapped: dict[str, Handler] = {}

    @override
    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the wrapped handler of the method; None when there is no such method."""
        wrapped = self._wrapped.get(handler_call_details.method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            wrapped = self._wrap(handler_call_details.method, handler)
            self._wrapped[handler_call_details.method] = wrapped
        return wrapped

    def drain(self) -> None:
        """End streamed answers with UNAVAILABLE, so that watchers go elsewhere and the stop need not wait for them."""
        self._streams.drain()

    def _wrap(self, method: str, handler: Handler) -> Handler:
        decode: Decode = handler.request_deserializer or bytes
        encode = handler.response_serializer
        bound_s = self._stream_deadline_s if handler.response_streaming else self._deadline_s
        guarded = GuardedMethod(method, self._metrics, self._streams, bound_s, self._on_fault)
        if handler.request_streaming and handler.response_streaming:
            serve = guarded.streaming(many(decode), handler.stream_stream)
            return grpc.stream_stream_rpc_method_handler(serve, None, encode)
        if handler.request_streaming:
            serve = guarded.answering(many(decode), handler.stream_unary)
            return grpc.stream_unary_rpc_method_handler(serve, None, encode)
        if handler.response_streaming:
            serve = guarded.streaming(one(decode), handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(serve, None, encode)
        serve = guarded.answering(one(decode), handler.unary_unary)
        return grpc.unary_unary_rpc_method_handler(serve, None, encode)
