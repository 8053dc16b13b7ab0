"""ASGI middleware that lets through only bodies of bounded size, time and shape, whatever the headers promise."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.web.json_guard import JsonLimits, Unacceptable, check_json
from hub.web.problems import problem

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request's body may be.

    Attributes:
        max_bytes: Size, also of a body that comes without a length.
        timeout_s: Time from the headers to the end of the body; a slow sender holds nothing longer.
        json: Shape of JSON.
    """

    max_bytes: int = 1024 * 1024
    timeout_s: float = 15.0
    json: JsonLimits = field(default_factory=JsonLimits)


class BodyGuard:
    """Reads the whole body, checks it, and hands it on; refuses with a problem."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_length(headers.get("content-length", ""))
            async with asyncio.timeout(self._limits.timeout_s):
                body = await self._read(receive)
            if body is None:
                return  # the client is gone
            self._check_content(headers, body)
        except TimeoutError:
            await self._refuse(
                Unacceptable(408, "request_timeout", "内容迟迟未到 the body came too slowly"), scope, receive, send
            )
            return
        except Unacceptable as refusal:
            await self._refuse(refusal, scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _check_length(self, told: str) -> None:
        if told.isascii() and told.isdigit() and int(told) > self._limits.max_bytes:
            raise self._too_large()

    async def _read(self, receive: Receive) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limits.max_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join(parts)

    def _check_content(self, headers: Headers, body: bytes) -> None:
        if not body:
            return
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Unacceptable(415, "unsupported_encoding", "不接受压缩内容 compressed bodies are not accepted")
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not (
            media_type.startswith("application/") and media_type.endswith("+json")
        ):
            raise Unacceptable(
                415, "unsupported_media_type", "只接受 application/json only application/json is accepted"
            )
        check_json(body, self._limits.json)

    def _too_large(self) -> Unacceptable:
        most = self._limits.max_bytes
        return Unacceptable(413, "too_large", f"内容至多 {most} 字节 at most {most} bytes")

    async def _refuse(self, refusal: Unacceptable, scope: Scope, receive: Receive, send: Send) -> None:
        # What was not read would be taken for the next request.
        response = problem(refusal.status, refusal.code, refusal.detail, headers={"Connection": "close"})
        await response(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
