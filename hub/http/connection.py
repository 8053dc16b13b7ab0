"""HTTP/1.1 connections that are closed in time.

A connection is closed when a request's head is late, when too many connections are open, and when the server stops.
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import uuid4

import h11
import structlog
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from hub.http.connections import IdleConnections, most_connections
from hub.http.edge import CORRELATION_HEADER
from hub.http.problems import problem_of
from hub.refusals import BAD_REQUEST

_LINGER_S: Final = 2.0
"""How long the rest of an unread body is discarded after the answer: closing at once would lose the answer."""


class BoundedState(ServerState):
    """State that all connections of a server share.

    It says whether the server stops, and which connections are idle.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self.idle = IdleConnections(most_connections())


class BoundedConnection(H11Protocol):
    """Bounds the time for each request's head.

    The bound is `timeout_keep_alive` seconds, however slowly the bytes arrive.

    A connection that is made while the server stops is closed at once. uvicorn closes those that it sees when it begins
    to stop; one accepted just then would be served until the grace is over, and its last request cancelled.
    """

    server_state: BoundedState
    _late: asyncio.TimerHandle | None = None
    _lingers = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        self.server_state.idle.make_room(len(self.connections))
        super().connection_made(transport)
        if self.server_state.stopping:
            self.shutdown()
        self._expect()

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse input that is not HTTP.

        The answer has the form of every refusal.
        """
        with structlog.contextvars.bound_contextvars(correlation_id=uuid4().hex):
            answer = problem_of(BAD_REQUEST.refusal(), status=BAD_REQUEST.http)
            answer.headers[CORRELATION_HEADER] = structlog.contextvars.get_contextvars()["correlation_id"]
        answer.headers["Connection"] = "close"
        for event in (
            h11.Response(status_code=BAD_REQUEST.http, headers=answer.raw_headers),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def give_up(self) -> None:
        """Close at once, to free the place for another connection."""
        self._forget()
        self.connections.discard(self)
        self.transport.abort()

    def _expect(self) -> None:
        """Start the timeout for a request's head.

        Bytes that complete no head do not restart it.
        """
        unread = self.conn.their_state is h11.SEND_BODY
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            self._forget()
        elif self._late is None or self._lingers is not unread:
            self._forget()
            self._lingers = unread
            time_s = _LINGER_S if unread else self.timeout_keep_alive
            self._late = self.loop.call_later(time_s, self.transport.abort)
            self.server_state.idle.add(self, self._address())

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self.server_state.idle.discard(self, self._address())

    def _address(self) -> str:
        return self.client[0] if self.client else ""
