"""Outermost ASGI middleware: correlation id, count of requests, and a problem instead of a traceback."""

from __future__ import annotations

import re
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.runtime.metrics import Metrics
from hub.web.problems import problem

CORRELATION_HEADER: Final = "X-Correlation-Id"

_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.stdlib.get_logger(__name__)


class Edge:
    """Surrounds every request.

    An error that no handler knew is our bug: logged without its text, answered with 500 and the correlation id.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get(CORRELATION_HEADER, "")
        correlation_id = told if _CORRELATION.fullmatch(told) else uuid4().hex
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[CORRELATION_HEADER] = correlation_id
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                await self._app(scope, receive, send_on)
            except Exception as error:  # noqa: BLE001 - the one place that turns every error into an answer
                _log.error("http_failed", route=_route(scope), exc_info=error)
                if status == 0:
                    await problem(500, "internal", "内部错误 internal error")(scope, receive, send_on)
            finally:
                method = scope["method"] if scope["method"] in _METHODS else "other"
                labels = {"method": method, "route": _route(scope), "status": str(status)}
                self._metrics.inc("hub_http_requests_total", 1, **labels)


def _route(scope: Scope) -> str:
    # The template, never the path: a path holds references, and would make a label of unbounded values.
    return str(getattr(scope.get("route"), "path", "unmatched"))
