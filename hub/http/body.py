"""Reads the JSON body of an admitted request.

Size, time and shape are bounded, whatever the headers state.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from hub.http.json_guard import JsonLimits, Unacceptable, parse_json

_BAD_REQUEST: Final = 400
_TIMEOUT: Final = 408
_TOO_LARGE: Final = 413
_UNSUPPORTED: Final = 415
_SMALL_BYTES: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request's body may be.

    Attributes:
        max_bytes: Size, also of a body that comes without a length.
        timeout_s: Time from the start of reading to the end of the body; a slow sender occupies nothing for longer.
        json: Shape of JSON.
    """

    max_bytes: int = 1024 * 1024
    timeout_s: float = 15.0
    json: JsonLimits = field(default_factory=JsonLimits)


class JsonBody:
    """Reads request bodies.

    A route calls it after it has checked the credential; nothing is read before. A refused body is not read to its end:
    the connection discards the rest.
    """

    def __init__(self, limits: BodyLimits | None = None) -> None:
        self._limits = limits or BodyLimits()
        self._large = asyncio.Lock()

    async def read(self, request: Request) -> object:
        """Return the value of the body.

        Raises:
            Unacceptable: 400, 408, 413 or 415 with its code.
        """
        self._check_head(request.headers)
        raw = await self._raw(request)
        if not raw:
            raise _empty()
        if len(raw) <= _SMALL_BYTES:
            return parse_json(raw, self._limits.json)
        # In a thread, one at a time: several threads would alternate with the loop, for 5 ms each time.
        async with self._large:
            return await asyncio.to_thread(parse_json, raw, self._limits.json)

    def _check_head(self, headers: Headers) -> None:
        told = headers.get("content-length", "")
        length = int(told) if told.isascii() and told.isdigit() else 0
        if length > self._limits.max_bytes:
            raise self._too_large()
        if length == 0 and "transfer-encoding" not in headers:
            raise _empty()
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Unacceptable(
                _UNSUPPORTED, "unsupported_encoding", "不接受压缩内容 compressed bodies are not accepted"
            )
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not (
            media_type.startswith("application/") and media_type.endswith("+json")
        ):
            raise Unacceptable(
                _UNSUPPORTED, "unsupported_media_type", "只接受 application/json only application/json is accepted"
            )

    async def _raw(self, request: Request) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    if size > self._limits.max_bytes:
                        raise self._too_large()
        except TimeoutError as error:
            raise Unacceptable(_TIMEOUT, "request_timeout", "内容迟迟未到 the body came too slowly") from error
        return b"".join(parts)

    def _too_large(self) -> Unacceptable:
        most = self._limits.max_bytes
        return Unacceptable(_TOO_LARGE, "too_large", f"内容至多 {most} 字节 at most {most} bytes")


def _empty() -> Unacceptable:
    return Unacceptable(_BAD_REQUEST, "empty_body", "没有内容 the request has no body")
