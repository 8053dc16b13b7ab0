"""Wraps each gRPC call of a server.

The wrapper decodes the request, enforces the deadline, turns refusals into statuses, and handles the correlation id and
the metrics.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, TypeAlias, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from hub.access.gate import Gate
from hub.errors import MEANINGS, Fault, Refusal, Refused
from hub.grpc.first_write import StreamCall
from hub.grpc.quotas import OPERATIONS, CallQuotas, address_of, shown_token
from hub.grpc.status import DETAILS_KEY, status_of
from hub.refusals import DEADLINE_EXCEEDED, DRAINING, INTERNAL, INTERRUPTED, UNDECODABLE_REQUEST
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
Encode: TypeAlias = Callable[[Any], bytes]
Serve: TypeAlias = Callable[[Any, Context], Coroutine[Any, Any, Any]]

_END: Final[ContextVar[float]] = ContextVar("end of the call, in the loop's time")
_LEAVE_S: Final = 1.0
"""How long a call waits for its servicer to end after the client has gone."""
_NO_ABORT: Final = (None, 0, grpc.StatusCode.OK)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a call may run.

    Attributes:
        call_s: A call with one answer whose client set no deadline.
        longest_s: The same when the client set one.
        stream_s: A streamed answer.
    """

    call_s: float = 30.0
    longest_s: float = 120.0
    stream_s: float = 3600.0

    def of(self, left_s: float | None, *, stream: bool) -> float:
        """Return the time bound of one call.

        `left_s` is the time for which its client waits; None when it set no deadline.
        """
        if stream:
            return self.stream_s
        return self.call_s if left_s is None else self.longest_s


class Streams:
    """The streamed answers that are in progress."""

    def __init__(self) -> None:
        self.draining = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def add(self, task: asyncio.Task[Any]) -> None:
        """Remember a stream until its task is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.draining:
            task.cancel()

    def drain(self) -> None:
        """Cancel all streams; their calls answer UNAVAILABLE."""
        self.draining = True
        for task in self._tasks:
            task.cancel()


def one(decode: Decode) -> Read:
    """Return a reader of one request."""

    async def read(raw: AsyncIterator[bytes]) -> Any:  # noqa: ANN401 - a message of any method
        async for item in raw:
            return _decoded(decode, item)
        raise UNDECODABLE_REQUEST.error()

    return read


def many(decode: Decode) -> Read:
    """Return a reader of streamed requests."""

    async def read(raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for item in raw:
            yield _decoded(decode, item)

    async def begin(raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        return read(raw)

    return begin


def _decoded(decode: Decode, item: bytes) -> Any:  # noqa: ANN401 - a message of any method
    # gRPC answers INTERNAL when its own deserialiser raises (text that is not UTF-8 is enough); so we decode.
    try:
        return decode(item)
    except (DecodeError, ValueError) as error:
        raise UNDECODABLE_REQUEST.error() from error


def time_left(context: Context) -> float:
    """Return the seconds that a servicer has left.

    They end at the client's deadline or at our own bound, whichever is first.
    """
    left = context.time_remaining()
    ours = _END.get() - asyncio.get_running_loop().time()
    return max(0.0, ours if left is None else min(left, ours))


class GuardedMethod:
    """Wraps one method of a server and its calls.

    A servicer runs in a task of its own. However that task ends, and when it does not end, the call ends with a status:
    grpc.aio sends none when a handler ends in a cancellation, in another error that is no `Exception`, or in some of
    its own.

    Args:
        method: `/package.Service/Method`.
        metrics: Counts and times go there.
        streams: Where streamed answers are kept.
        bounds: For how long a call may run.
        quotas: How many may run at once.
        gate: Lets callers pass; None lets everybody.
        on_fault: Called with a `Fault` of the servicer.
    """

    def __init__(
        self,
        method: str,
        *,
        metrics: Metrics,
        streams: Streams,
        bounds: Bounds,
        quotas: CallQuotas,
        gate: Gate | None = None,
        on_fault: Callable[[Fault], None],
    ) -> None:
        _, service, name = method.split("/")
        self._method = method
        self._labels = {"grpc_service": service, "grpc_method": name}
        self._metrics = metrics
        self._streams = streams
        self._bounds = bounds
        self._quotas = quotas
        self._gate = None if method[1:].startswith(OPERATIONS) else gate
        self._on_fault = on_fault

    def answering(self, read: Read, behaviour: Any, encode: Encode) -> Serve:  # noqa: ANN401 - grpc types it by method
        """Return the guarded behaviour for one answer."""

        async def serve(raw: Any, context: Context) -> bytes:  # noqa: ANN401 - a message of any method
            answer = behaviour(await read(raw), context)
            return encode(await answer if inspect.isawaitable(answer) else answer)

        async def guarded(raw: Any, context: Context) -> Any:  # noqa: ANN401 - a message of any method
            return await self._call(serve, raw, context, stream=False)

        return guarded

    def streaming(self, read: Read, behaviour: Any) -> Serve:  # noqa: ANN401 - grpc types it by method
        """Return the guarded behaviour for streamed answers."""

        async def serve(raw: Any, context: Context) -> None:  # noqa: ANN401 - a message of any method
            answer = behaviour(await read(raw), context)
            if inspect.isawaitable(answer):
                await answer  # it writes to the context by itself
                return
            async with aclosing(answer):
                async for message in answer:
                    await context.write(message)

        async def guarded(raw: Any, context: Context) -> Any:  # noqa: ANN401 - a message of any method
            return await self._call(serve, raw, cast("Context", StreamCall(context)), stream=True)

        return guarded

    async def _call(self, serve: Serve, raw: Any, context: Context, *, stream: bool) -> Any:  # noqa: ANN401 - as above
        started = time.perf_counter()
        self._metrics.inc("grpc_server_started_total", 1, **self._labels)
        correlation_id = _correlation_of(context)
        structlog.contextvars.bind_contextvars(correlation_id=correlation_id)
        code = grpc.StatusCode.CANCELLED.name
        try:
            token, address = shown_token(context), address_of(context)
            with self._quotas.of(self._method, stream=stream).hold(self._quotas.caller(token, address)):
                if self._gate is not None:
                    self._gate.admit(self._method[1:], token, address)
                answer = await self._bounded(serve, raw, context, stream=stream)
            code = _code_of(context)
        except grpc.aio.AbortError:
            code = _code_of(context)
            raise
        except asyncio.CancelledError:
            code = _cancelled_code(context)  # by grpc: the client is gone or late, or the server's grace is over
            raise
        except Refused as refused:
            meaning = MEANINGS[refused.kind]
            say = getattr(_log, meaning.log_level)
            say("rpc_refused", method=self._method[1:], code=refused.code, kind=refused.kind.value)
            code = meaning.grpc
            await _abort(context, refused.refusal, {"correlation_id": correlation_id})
        else:
            return answer
        finally:
            self._metrics.observe("grpc_server_handling_seconds", time.perf_counter() - started, **self._labels)
            self._metrics.inc("grpc_server_handled_total", 1, **self._labels, grpc_code=code)

    async def _bounded(self, serve: Serve, raw: Any, context: Context, *, stream: bool) -> Any:  # noqa: ANN401 - as above
        """Return the answer or raise a refusal, at the time bound at the latest.

        The bound holds whatever the servicer does. A cancellation that this method raises is grpc's own cancellation of
        the call.
        """
        bound_s = self._bounds.of(context.time_remaining(), stream=stream)
        _END.set(asyncio.get_running_loop().time() + bound_s)
        work = asyncio.ensure_future(serve(raw, context))
        work.add_done_callback(_look)  # also when nobody waits for it any more
        if stream:
            self._streams.add(work)
        try:
            done, _ = await asyncio.wait({work}, timeout=bound_s)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait({work}, timeout=_LEAVE_S)
            raise
        if not done:
            work.cancel()
            raise DEADLINE_EXCEEDED.error()
        if work.cancelled():
            raise self._interrupted().error()
        error = work.exception()
        if error is None:
            return work.result()
        if isinstance(error, Refused) or (isinstance(error, grpc.aio.AbortError) and context.code() not in _NO_ABORT):
            raise error
        raise self._internal(error).error()

    def _interrupted(self) -> Refusal:
        """Return the refusal for work that was cancelled while its client waits."""
        if self._streams.draining:
            return DRAINING.refusal(after_s=0.5)
        _log.error("rpc_interrupted", method=self._method[1:])
        return INTERRUPTED.refusal()

    def _internal(self, error: BaseException) -> Refusal:
        """Report an error that no servicer should raise, and return the refusal for it.

        It holds nothing of the error, whose text may quote data. The log has it by correlation id.
        """
        if isinstance(error, Fault):
            self._on_fault(error)
        _log.error("rpc_failed", method=self._method[1:], exc_info=error)
        return INTERNAL.refusal()


def _look(work: asyncio.Task[Any]) -> None:
    """Read how a task ended.

    asyncio complains about an error that nobody has read.
    """
    if not work.cancelled():
        work.exception()


async def _abort(context: Context, refusal: Refusal, metadata: dict[str, str]) -> None:
    status = status_of(refusal, metadata=metadata)
    code = grpc.StatusCode[MEANINGS[refusal.kind].grpc]
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
