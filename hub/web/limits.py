"""ASGI middleware that lets through only bodies of bounded size, time and shape, whatever the headers promise."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.web.json_guard import JsonLimits, Unacceptable, check_json
from hub.web.problems import problem

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_TIMEOUT: Final = 408
_TOO_LARGE: Final = 413


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request's body may be.

    Attributes:
        max_bytes: Size, also of a body that comes without a length.
        timeout_s: Time from the headers to the end of the body; a slow sender holds nothing longer.
        discard_bytes: How much of a refused body is still read, so that the refusal arrives.
        discard_s: For how long.
        json: Shape of JSON.
    """

    max_bytes: int = 1024 * 1024
    timeout_s: float = 15.0
    discard_bytes: int = 8 * 1024 * 1024
    discard_s: float = 1.0
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
            body = await self._read(headers, receive)
            if body is None:
                return  # the client is gone
            self._check_content(headers, body)
        except Unacceptable as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        told = headers.get("content-length", "")
        if told.isascii() and told.isdigit() and int(told) > self._limits.max_bytes:
            await self._discard(receive)
            raise self._too_large()
        parts: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                while more and size <= self._limits.max_bytes:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    parts.append(message.get("body", b""))
                    size, more = size + len(parts[-1]), message.get("more_body", False)
        except TimeoutError as error:
            raise Unacceptable(_TIMEOUT, "request_timeout", "内容迟迟未到 the body came too slowly") from error
        if size <= self._limits.max_bytes:
            return b"".join(parts)
        if more:
            await self._discard(receive)
        raise self._too_large()

    async def _discard(self, receive: Receive) -> None:
        """Read on for a while: a connection closed on unread bytes is reset, and the answer is lost with it."""
        left, more = self._limits.discard_bytes, True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.discard_s):
                while more and left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    more = message["type"] == "http.request" and message.get("more_body", False)

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
        return Unacceptable(_TOO_LARGE, "too_large", f"内容至多 {most} 字节 at most {most} bytes")


async def _refuse(refusal: Unacceptable, scope: Scope, receive: Receive, send: Send) -> None:
    # What was not read would be taken for the next request.
    headers = {"Connection": "close"} if refusal.status in (_TIMEOUT, _TOO_LARGE) else {}
    await problem(refusal.status, refusal.code, refusal.detail, headers=headers)(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
