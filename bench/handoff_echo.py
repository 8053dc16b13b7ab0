"""Bare servers that the bridge is compared with.

Each answers with the message that it got, and does nothing else.

`python -m bench.handoff_echo grpc|http` prints its port when it serves and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

import grpc
import uvicorn
from fastapi import FastAPI

from dispute.wire.court.v1 import court_pb2

SERVICE: Final = "bench.Echo"
METHOD: Final = f"/{SERVICE}/Echo"
PATH: Final = "/echo"


async def _grpc() -> None:
    """Serve with grpc.aio and its defaults.

    There are no interceptors and no options; the message is decoded and encoded.
    """

    async def echo(request: court_pb2.SubmitRequest, _context: object) -> court_pb2.SubmitRequest:
        return request

    message = court_pb2.SubmitRequest
    handler = grpc.unary_unary_rpc_method_handler(echo, message.FromString, message.SerializeToString)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Echo": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await _serve_until_closed(port)
    await server.stop(None)


async def _http() -> None:
    """Serve with FastAPI on uvicorn and their defaults.

    Only uvicorn's access log is off; JSON is decoded and encoded.
    """
    app = FastAPI()

    @app.post(PATH)
    async def echo(record: dict[str, Any]) -> dict[str, Any]:
        return record

    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    await _serve_until_closed(listener.getsockname()[1])
    server.should_exit = True
    await serving


async def _serve_until_closed(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


SERVERS: Final[dict[str, Callable[[], Coroutine[Any, Any, None]]]] = {"grpc": _grpc, "http": _http}

if __name__ == "__main__":
    asyncio.run(SERVERS[sys.argv[1]]())
