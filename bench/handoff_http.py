"""One HTTP/1.1 connection that is kept open: a client so plain that the server, not the caller, is what is measured."""

from __future__ import annotations

import asyncio
import re
from typing import Final, Self

from typing_extensions import override

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"
_STATUSES: Final = (b"200", b"201")


class Connection(asyncio.Protocol):
    """Sends one request at a time; knows answers with a length only, as the servers measured here send them."""

    def __init__(self, head: str) -> None:
        self._head = head.encode()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    @classmethod
    async def open(cls, host: str, port: int, head: str) -> Self:
        """Connect.

        Args:
            host: Of the server.
            port: Of the server.
            head: Request line and the headers that every request has; ends with a line break.
        """
        _, made = await asyncio.get_running_loop().create_connection(lambda: cls(head), host, port)
        return made

    async def send(self, body: bytes) -> bytes:
        """Return the body of the answer.

        Raises:
            ConnectionError: The connection ended, or the status was no success.
        """
        if self._transport is None:
            raise ConnectionError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(self._head + length.encode() + body)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(_END)
        length = _LENGTH.search(head)
        if not found or self._answer is None:
            return
        if head[9:12] not in _STATUSES or length is None:
            self._answer.set_exception(ConnectionError(self._received.decode(errors="replace")))
        elif len(rest) >= int(length[1]):
            self._received = b""
            self._answer.set_result(rest)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))
