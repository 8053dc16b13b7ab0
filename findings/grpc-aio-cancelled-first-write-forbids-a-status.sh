#!/usr/bin/env bash
# The guess: an asyncio gRPC server that cancels the task in which a servicer writes an answer (its time is over, the
#   server drains) can end the call with `context.abort` afterwards: what was cancelled is over.
# What happens: that holds for every write but the first. The first carries the initial metadata, which count as sent
#   only when the wait for it has ended; when that wait is cancelled, `abort` sends them again, the core finds one
#   operation too many, and ExecuteBatchError, which is no AbortError, comes out. No status is ever sent: the client
#   waits until its own deadline. A small answer is enough, when the cancellation comes before its confirmation.
# Why it matters here: watchers of figures and of health are told by a status to reconnect elsewhere when a service
#   stops. So a first write is shielded from its writer's cancellation, and a status waits for it.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check "grpcio==1.85.1"
GRPC_VERBOSITY=NONE "$folder/venv/bin/python" - <<'PY'
import asyncio
import logging
import sys

import grpc

logging.disable(logging.CRITICAL)


async def ends_of(*, written_before: int) -> tuple[str, str]:
    """Return what `abort` raised at the server, and the status at the client within two seconds.

    A write is cancelled after `written_before` others.
    """
    raised = []

    async def down(_request, context):
        for _ in range(written_before):
            await context.write(b"answer")
        writing = asyncio.ensure_future(context.write(b"answer"))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait({writing})
        assert writing.cancelled()
        try:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "come back later")
        except BaseException as error:
            raised.append(type(error).__name__)
            raise

    class Handler(grpc.GenericRpcHandler):
        def service(self, _details):
            return grpc.unary_stream_rpc_method_handler(down)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_stream("/probe.Probe/Down")(b"", timeout=2)
        try:
            while await call.read() is not grpc.aio.EOF:
                pass
        except grpc.aio.AioRpcError as error:
            code = error.code()
    await server.stop(None)
    return raised[0], code.name


second, first = asyncio.run(ends_of(written_before=1)), asyncio.run(ends_of(written_before=0))
print(f"grpcio {grpc.__version__}")
print(f"second write cancelled, then abort: {second[0]} at the server, {second[1]} at the client")
print(f"first write cancelled, then abort: {first[0]} at the server, {first[1]} at the client")
sys.exit((second, first) != (("AbortError", "RESOURCE_EXHAUSTED"), ("ExecuteBatchError", "DEADLINE_EXCEEDED")))
PY
echo "as described"
