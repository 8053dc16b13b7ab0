"""Channels and calls to other services.

A call ends within the caller's time, with an answer or a verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, TypeVar

import grpc
import stamina
import structlog

from hub.access.gate import API_KEY, AUTHORIZATION, BEARER
from hub.errors import Kind, Refusal, Refused
from hub.grpc.call import CORRELATION_KEY
from hub.grpc.server import MAX_SEND_BYTES
from hub.grpc.status import DETAILS_KEY, verdict_of
from hub.refusals import INTERNAL

Request = TypeVar("Request")
Response = TypeVar("Response")
Metadata = Sequence[tuple[str, str | bytes]]

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_SEND_BYTES),
    ("grpc.enable_retries", 0),  # `call` retries, bounded by the caller's deadline
    ("grpc.enable_http_proxy", 0),  # our services are never behind the machine's web proxy
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Despite its name this is the time that one connection may take. A busy service answers late at first, and a client
    # that gives up then reports it as unreachable (gRPC's doc/connection-backoff.md: MIN_CONNECT_TIMEOUT).
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # a service that was restarted is found again soon
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)
_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 2.0


def channel(address: str) -> grpc.aio.Channel:
    """Return a channel to `host:port`.

    The channel connects again when the service comes back. The caller closes it.
    """
    return grpc.aio.insecure_channel(address, options=_OPTIONS)


def key_metadata(key: str) -> Metadata:
    """Return the metadata that shows an agency's key."""
    return ((API_KEY, key),)


def bearer(token: str) -> Metadata:
    """Return the metadata that shows a token."""
    return ((AUTHORIZATION, f"{BEARER}{token}"),)


def refusal_of(error: grpc.RpcError) -> Refusal:
    """Return the refusal of a failed call.

    It is the server's own, or else the meaning of the bare status.
    """
    if not isinstance(error, grpc.aio.AioRpcError):
        return INTERNAL.refusal()
    details = dict(error.trailing_metadata() or ()).get(DETAILS_KEY)
    return verdict_of(error.code(), error.details() or "", details if isinstance(details, bytes) else None)


async def call(
    method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
    request: Request,
    *,
    timeout_s: float,
    metadata: Metadata = (),
    retry: bool = True,
) -> Response:
    """Call a unary method.

    The call sends the correlation id of the running context.

    Args:
        method: Of a generated stub.
        request: May be sent several times: every method of the hub may be called twice.
        timeout_s: Time for all tries together.
        metadata: More metadata, such as a credential.
        retry: Retry, with jitter, on UNAVAILABLE, RESOURCE_EXHAUSTED, and an ABORTED that is not a verdict of ours.
            After a stale sequence (ABORTED with our details) the whole step must be repeated, by the caller.

    Raises:
        Refused: The server's refusal, or no answer in time.
    """
    loop = asyncio.get_running_loop()
    end, pairs = loop.time() + timeout_s, _with_correlation(metadata)
    previous: Refusal | None = None

    def again(error: Exception) -> bool | float:
        """Return whether to retry, or the seconds to wait before it when a full server states them."""
        if not retry or not isinstance(error, Refused) or error.refusal.is_final or error.kind is Kind.TOO_LATE:
            return False
        wait_s = error.after_s if error.kind is Kind.EXHAUSTED else 0.0
        return loop.time() + wait_s < end and (wait_s or True)

    tries = stamina.retry_context(
        on=again,
        attempts=None,
        timeout=timeout_s,
        wait_initial=_FIRST_WAIT_S,
        wait_max=_LONGEST_WAIT_S,
        wait_jitter=_FIRST_WAIT_S,
    )
    async for attempt in tries:
        with attempt:
            try:
                return await method(request, timeout=max(0.0, end - loop.time()), metadata=pairs)
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of(error)
                if previous is not None and refusal.kind is Kind.TOO_LATE and end - loop.time() < _FIRST_WAIT_S:
                    refusal = previous  # the time ran out in a retry: the server's previous refusal says more
                previous = refusal
                raise refusal.error() from error
    raise AssertionError  # the context above ends in an answer or in the last try's error


def _with_correlation(metadata: Metadata) -> tuple[tuple[str, str | bytes], ...]:
    bound = structlog.contextvars.get_contextvars().get("correlation_id")
    if isinstance(bound, str) and all(key != CORRELATION_KEY for key, _ in metadata):
        return (*metadata, (CORRELATION_KEY, bound))
    return tuple(metadata)
