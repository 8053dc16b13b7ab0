"""ASGI middlewares around every application.

The outermost sets the correlation id, enforces the quotas, counts the requests, and answers every error with a problem;
the one inside bounds the time of an answer.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.errors import Retryable
from hub.http.problems import problem_of
from hub.http.quotas import RequestQuotas
from hub.http.target import normalised
from hub.refusals import DEADLINE_EXCEEDED, INTERNAL, INTERRUPTED
from hub.runtime.metrics import Metrics

CORRELATION_HEADER: Final = "X-Correlation-Id"

_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
ANSWER_S: Final = 15.0
_AFTER_S: Final = 2.0
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.stdlib.get_logger(__name__)


class Edge:
    """Wraps every request.

    An error that no handler knows is our bug: it is logged without its text and answered with 500 and the correlation
    id. A cancellation from within is logged too; its answer says that the request may be retried.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, quotas: RequestQuotas) -> None:
        self._app = app
        self._metrics = metrics
        self._quotas = quotas

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        headers = Headers(scope=scope)
        scope = normalised(scope)
        given = headers.get(CORRELATION_HEADER, "")
        correlation_id = given if _CORRELATION.fullmatch(given) else uuid4().hex
        waits = headers.get("expect", "").lower() == "100-continue"
        status = 0

        async def receive_on() -> Message:
            nonlocal waits
            waits = False  # the server now sends 100 Continue
            return await receive()

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer[CORRELATION_HEADER] = correlation_id
                if waits:
                    answer["Connection"] = "close"  # nobody can know whether the client still sends the body
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                await self._bounded(scope, receive_on, send_on)
            except ClientDisconnect:
                pass  # nobody is left to be answered
            except BaseException as error:  # the one place that turns every error into an answer
                if _of_the_process(error):
                    raise
                _log.error("http_failed", route=_route(scope), exc_info=error)
                if status == 0:
                    await _answer_to(error)(scope, receive, send_on)
            finally:
                labels = {"method": method, "route": _route(scope), "status": str(status)}
                self._metrics.inc("hub_http_requests_total", 1, **labels)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._quotas.hold(scope):
                await self._app(scope, receive, send)
        except Retryable as full:  # the application answers its own
            await problem_of(full.refusal)(scope, receive, send)


class AnswerBound:
    """Cancels a late request and answers 504 with `Retry-After`.

    The time in which it waits for the caller does not count: a slow sender has a bound of its own. What the request had
    asked of the store is left out when its turn had not come. Otherwise it may have been done, and the same request
    sent again is given the same receipt.
    """

    def __init__(self, app: ASGIApp, answer_s: float = ANSWER_S) -> None:
        self._app = app
        self._answer_s = answer_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        async def receive_on() -> Message:
            bound.reschedule(None)
            try:
                return await receive()
            finally:
                bound.reschedule(asyncio.get_running_loop().time() + self._answer_s)

        try:
            async with asyncio.timeout(self._answer_s) as bound:
                await self._app(scope, receive_on, send_on)
        except TimeoutError:
            if begun or not bound.expired():
                raise
            await problem_of(DEADLINE_EXCEEDED.refusal(after_s=_AFTER_S))(scope, receive, send)


def _of_the_process(error: BaseException) -> bool:
    """Return whether an error must not be answered here.

    That is an error that ends the process, and this task's own cancellation by the server's stop.
    """
    task = asyncio.current_task()
    stopped = isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    return stopped or isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


def _answer_to(error: BaseException) -> ASGIApp:
    return problem_of((INTERRUPTED if isinstance(error, asyncio.CancelledError) else INTERNAL).refusal())


def _route(scope: Scope) -> str:
    # The template, never the path: a path holds references, and would make a label of unbounded values.
    return str(getattr(scope.get("route"), "path", "unmatched"))
