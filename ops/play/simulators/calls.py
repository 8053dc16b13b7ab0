"""Makes gRPC calls of simulated clients.

A call always has a deadline; its failure becomes `Later` or a refusal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from hub.errors import Kind
from hub.grpc.client import Metadata, refusal_of
from hub.grpc.status import DETAILS_KEY
from ops.play.simulators.answers import Later, Patience, ReceivedRefusal

TIMEOUT_S: Final = 20.0
UNSURE: Final = frozenset({grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL})
"""Status codes of a server that was killed during its answer. It may also be CANCELLED, which may be tried again."""


async def ask(
    method: Callable[..., Any],
    request: Message,
    *,
    patience: Patience,
    what: str,
    metadata: Metadata = (),
    timeout_s: float = TIMEOUT_S,
) -> Any | ReceivedRefusal:  # noqa: ANN401 - the answer's type is the method's
    """Call a method and return its answer or refusal.

    The call is repeated while its outcome is unknown.
    """

    async def attempt() -> Any | ReceivedRefusal:  # noqa: ANN401 - as above
        try:
            return await method(request, timeout=timeout_s, metadata=tuple(metadata))
        except grpc.aio.AioRpcError as error:
            return _judge(error)

    return await patience.until_answered(what, attempt)


def _judge(error: grpc.aio.AioRpcError) -> ReceivedRefusal:
    refusal = refusal_of(error)
    if not refusal.is_final:
        # A server that is starting is asked again soon; one that is full, after the time that it states.
        raise Later(refusal.code, refusal.after_s if refusal.kind is Kind.EXHAUSTED else 0.0) from error
    if error.code() in UNSURE and DETAILS_KEY not in dict(error.trailing_metadata() or ()):
        raise Later(error.code().name) from error
    return ReceivedRefusal(refusal.code, refusal.field, error.code().name)
