"""Runs uvicorn as a part of its process.

It runs in the running loop, has no signal handlers of its own, and stops in bounded time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from hub.errors import Fault
from hub.http.connection import BoundedConnection, BoundedState

_BACKLOG: Final = 512


class HttpServer:
    """Serves an ASGI application, as a part.

    Args:
        app: From `build_app`.
        host: Address to listen on.
        port: 0 takes a free one.
        grace_s: Whole seconds that requests under way have to finish when the server stops.
        idle_s: Whole seconds that a connection may be silent, and that the head of a request may take.

    Attributes:
        port: The port that the server listens on, once started.
    """

    name = "http"

    def __init__(self, app: ASGIApp, host: str, port: int, *, grace_s: int = 5, idle_s: int = 15) -> None:
        self.port = port
        self._host = host
        self._grace_s = grace_s
        self._idle_s = idle_s
        self._app = app
        self._listeners: list[socket.socket] = []
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; return when requests are answered.

        Raises:
            Fault: `port_taken` when the address cannot be had.
        """
        self._listeners = [self._listen()]
        self._server = _Server(
            uvicorn.Config(
                self._app,
                log_config=None,  # hub.runtime.logs routes uvicorn's loggers
                access_log=False,  # a path holds references
                lifespan="off",
                http=BoundedConnection,
                ws="none",
                server_header=False,
                timeout_keep_alive=self._idle_s,
                timeout_graceful_shutdown=self._grace_s,
            )
        )
        self._serving = asyncio.create_task(self._server.serve(self._listeners), name="uvicorn")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({ready, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._serving.done():
            raise Fault("http_ended", "the HTTP server ended while it started") from self._serving.exception()

    async def stop(self) -> None:
        """Stop within the grace time.

        The server stops listening, lets requests finish within the grace, and closes.
        """
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await asyncio.wait({self._serving})
        for listener in self._listeners:
            listener.close()  # uvicorn closes it too, unless it ended by itself

    async def failed(self) -> None:
        """Wait; raise when the server ended by itself."""
        if self._serving is None or self._server is None:
            raise Fault("not_started", "the HTTP server was not started")
        await asyncio.wait({self._serving})
        if not self._server.should_exit:
            error = None if self._serving.cancelled() else self._serving.exception()
            raise Fault("http_ended", "the HTTP server ended by itself") from error
        await asyncio.Event().wait()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self.port))
        except OSError as error:
            listener.close()
            raise Fault("port_taken", f"cannot listen on {self._host}:{self.port}: {error.strerror}") from error
        listener.listen(_BACKLOG)
        self.port = listener.getsockname()[1]
        return listener


class _Server(uvicorn.Server):
    """uvicorn's server, without its signal handlers.

    It reports when it is ready and when it stops. Signals are left to the process.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state: BoundedState = BoundedState()
        self.ready = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.stopping = True
        await super().shutdown(sockets)

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
