"""A minimal HTTP/1.1 client.

It keeps one connection open and costs so little that the server is measured, not the caller.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final, Self

from typing_extensions import override

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_END: Final = b"\r\n\r\n"
_STATUSES: Final = (b"200", b"201")


class Connection(asyncio.Protocol):
    """One connection with one request at a time.

    It reads only answers with a Content-Length, as the measured servers send them.
    """

    def __init__(self, head: str) -> None:
        self._head = head.encode()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""

    @classmethod
    async def open(cls, host: str, port: int, head: str) -> Self:
        """Open a connection.

        Args:
            host: Host of the server.
            port: Port of the server.
            head: Request line and the headers of every request; ends with a line break.
        """
        _, made = await asyncio.get_running_loop().create_connection(lambda: cls(head), host, port)
        return made

    async def send(self, body: bytes) -> bytes:
        """Send a request and return the answer's body.

        Raises:
            ConnectionError: The connection ended, or the status was not 200 or 201.
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
