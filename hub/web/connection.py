"""An HTTP/1.1 connection that ends: when a request's head does not come in time, and when the server stops."""

from __future__ import annotations

import asyncio

from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState


class BoundedState(ServerState):
    """What all connections of a server know: whether it stops."""

    stopping = False


class BoundedConnection(H11Protocol):
    """Gives a connection `timeout_keep_alive` seconds for each request's head, however slowly its bytes drip in.

    One that is made while the server stops is closed at once. uvicorn closes those that it sees when it begins to stop;
    one just accepted then would be served until the grace is over, and its last request cancelled.
    """

    server_state: BoundedState
    _late: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
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

    def _expect(self) -> None:
        """Let the time run while a head is awaited; bytes that complete none do not set it back."""
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            self._forget()
        elif self._late is None:
            self._late = self.loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
