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
from hub.refusals import EMPTY_BODY, REQUEST_TIMEOUT, TOO_LARGE, UNSUPPORTED_ENCODING, UNSUPPORTED_MEDIA_TYPE

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
            raise Unacceptable(EMPTY_BODY)
        if len(raw) <= _SMALL_BYTES:
            return parse_json(raw, self._limits.json)
        # In a thread, one at a time: several threads would alternate with the loop, for 5 ms each time.
        async with self._large:
            return await asyncio.to_thread(parse_json, raw, self._limits.json)

    def _check_head(self, headers: Headers) -> None:
        stated = headers.get("content-length", "")
        length = int(stated) if stated.isascii() and stated.isdigit() else 0
        if length > self._limits.max_bytes:
            raise Unacceptable(TOO_LARGE, limit=self._limits.max_bytes)
        if length == 0 and "transfer-encoding" not in headers:
            raise Unacceptable(EMPTY_BODY)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Unacceptable(UNSUPPORTED_ENCODING)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not (
            media_type.startswith("application/") and media_type.endswith("+json")
        ):
            raise Unacceptable(UNSUPPORTED_MEDIA_TYPE)

    async def _raw(self, request: Request) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    if size > self._limits.max_bytes:
                        raise Unacceptable(TOO_LARGE, limit=self._limits.max_bytes)
        except TimeoutError as error:
            raise Unacceptable(REQUEST_TIMEOUT) from error
        return b"".join(parts)
