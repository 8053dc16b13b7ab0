"""What one call goes through: decoding, deadline, verdicts to statuses, correlation id, metrics."""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from secrets import token_hex
from typing import Any, Final, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError

from hub.errors import MEANINGS, Fault, Kind, Rejected, Retryable
from hub.rpc.status import DETAILS_KEY, status_of
from hub.runtime.metrics import Metrics

CORRELATION_KEY: Final = "correlation-id"
"""Metadata key of the id that ties together everything a request sets off."""

_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_log = structlog.stdlib.get_logger(__name__)

# grpc types a handler by the messages of its method; what serves every method cannot name them.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Decode: TypeAlias = Callable[[bytes], Any]
Read: TypeAlias = Callable[[Any], Any]
Serve: TypeAlias = Callable[[Any, Context], Awaitable[Any]]


class Streams:
    """The streamed answers under way."""

    def __init__(self) -> None:
        self.draining = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, task: asyncio.Task[Any]) -> None:
        """Remember a stream until its task is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drain(self) -> None:
        """Cancel them all; their calls answer UNAVAILABLE."""
        self.draining = True
        for task in self._tasks:
            task.cancel()


def one(decode: Decode) -> Read:
    """Return a reader of one request.

    gRPC answers INTERNAL when its own deserialiser raises (text that is not UTF-8 is enough); so we decode.
    """

    def read(raw: bytes) -> Any:  # noqa: ANN401 - a message of any method
        try:
            return decode(raw)
        except (DecodeError, ValueError) as error:
            raise Rejected("undecodable_request", "the request is not a message of this method") from error

    return read


def many(decode: Decode) -> Read:
    """Return a reader of streamed requests."""
    read_one = one(decode)

    async def read(raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for item in raw:
            yield read_one(item)

    return read


class GuardedMethod:
    """One method of a server, with everything that surrounds its calls.

    Args:
        method: `/package.Service/Method`.
        metrics: Counts and times go there.
        streams: Where streamed answers are kept.
        bound_s: Deadline of a call whose client set none.
        on_fault: Called with a `Fault` of the servicer.
    """

    def __init__(
        self, method: str, metrics: Metrics, streams: Streams, bound_s: float, on_fault: Callable[[Fault], None]
    ) -> None:
        _, service, name = method.split("/")
        self._labels = {"grpc_service": service, "grpc_method": name}
        self._metrics = metrics
        self._streams = streams
        self._bound_s = bound_s
        self._on_fault = on_fault

    def answering(self, read: Read, behaviour: Any) -> Serve:  # noqa: ANN401 - grpc types it by method
        """Return the guarded behaviour of a method with one answer."""

        async def serve(raw: Any, context: Context) -> Any:  # noqa: ANN401 - a message of any method
            answer = behaviour(read(raw), context)
            return await answer if inspect.isawaitable(answer) else answer

        async def guarded(raw: Any, context: Context) -> Any:  # noqa: ANN401 - a message of any method
            return await self._call(serve, raw, context, stream=False)

        return guarded

    def streaming(self, read: Read, behaviour: Any) -> Serve:  # noqa: ANN401 - grpc types it by method
        """Return the guarded behaviour of a method with streamed answers."""

        async def serve(raw: Any, context: Context) -> None:  # noqa: ANN401 - a message of any method
            answer = behaviour(read(raw), context)
            if inspect.isawaitable(answer):
                await answer  # it writes to the context by itself
                return
            async with aclosing(answer):
                async for message in answer:
                    await context.write(message)

        async def guarded(raw: Any, context: Context) -> Any:  # noqa: ANN401 - a message of any method
            return await self._call(serve, raw, context, stream=True)

        return guarded

    async def _call(self, serve: Serve, raw: Any, context: Context, *, stream: bool) -> Any:  # noqa: ANN401 - as above
        started = time.perf_counter()
        self._metrics.inc("grpc_server_started_total", 1, **self._labels)
        task = asyncio.current_task()
        if stream and task is not None:
            self._streams.add(task)
        correlation_id = _correlation_of(context)
        structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        code = grpc.StatusCode.OK.name
        try:
            answer = await self._bounded(serve, raw, context)
            code = _code_of(context)
        except grpc.aio.AbortError:
            code = _code_of(context)
            raise
        except asyncio.CancelledError:
            if not (stream and self._streams.draining) or task is None:
                code = _cancelled_code(context)
                raise
            task.uncancel()
            code = grpc.StatusCode.UNAVAILABLE.name
            await _abort(context, Retryable("draining", "the server is stopping; go on elsewhere", after_s=0.5), {})
        except Exception as error:  # noqa: BLE001 - the one place that turns every error into a status
            verdict = self._verdict(error)
            code = MEANINGS[verdict.kind].grpc
            await _abort(context, verdict, {"correlation_id": correlation_id})
        else:
            return answer
        finally:
            self._metrics.observe("grpc_server_handling_seconds", time.perf_counter() - started, **self._labels)
            self._metrics.inc("grpc_server_handled_total", 1, **self._labels, grpc_code=code)

    async def _bounded(self, serve: Serve, raw: Any, context: Context) -> Any:  # noqa: ANN401 - as above
        if context.time_remaining() is not None:
            return await serve(raw, context)  # grpc cancels us at the client's deadline
        try:
            async with asyncio.timeout(self._bound_s) as scope:
                return await serve(raw, context)
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise Retryable("deadline_exceeded", "the call took too long", kind=Kind.TOO_LATE) from error

    def _verdict(self, error: Exception) -> Rejected | Retryable:
        method = f"{self._labels['grpc_service']}/{self._labels['grpc_method']}"
        if isinstance(error, Rejected | Retryable):
            level = MEANINGS[error.kind].log_level
            getattr(_log, level)("rpc_refused", method=method, code=error.code, kind=error.kind.value)
            return error
        if isinstance(error, Fault):
            self._on_fault(error)
        _log.error("rpc_failed", method=method, exc_info=error)
        # Nothing of an unexpected error is told: its text may quote data. The correlation id finds it in the log.
        return Rejected("internal", "内部错误 internal error", kind=Kind.INTERNAL)


async def _abort(context: Context, verdict: Rejected | Retryable, metadata: dict[str, str]) -> None:
    status = status_of(verdict, metadata=metadata)
    code = grpc.StatusCode[MEANINGS[verdict.kind].grpc]
    await context.abort(code, status.message, ((DETAILS_KEY, status.SerializeToString()),))


def _correlation_of(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == CORRELATION_KEY and isinstance(value, str) and _CORRELATION.fullmatch(value):
            return value
    return token_hex(16)


def _code_of(context: Context) -> str:
    code = context.code()
    return code.name if isinstance(code, grpc.StatusCode) else grpc.StatusCode.OK.name


def _cancelled_code(context: Context) -> str:
    left = context.time_remaining()
    late = left is not None and left <= 0
    return (grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED).name
