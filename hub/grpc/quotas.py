"""Chooses the quota that a call counts against.

Streams, calls with one answer, and calls about the server's health have quotas of their own.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import grpc

from hub.access.gate import API_KEY, AUTHORIZATION, token_of
from hub.runtime.quotas import Caller, Identify, Quota, caller_of

OPERATIONS: Final = ("grpc.health.", "grpc.reflection.")
"""Prefixes of the services that operators call: they answer also when all other quotas are full."""

_CALLS: Final = (512, 256)
_STREAMS: Final = (256, 64)
_OPERATIONS: Final = (128, 64)
_WATCHED: Final = (64, 16)
"""Calls at once: in total, and of one caller."""
_RESERVED: Final = 4
"""One in this many calls is reserved for callers with a valid credential."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


def shown_token(context: Context) -> str:
    """Return the token that a call shows; empty without one."""
    shown = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return token_of(shown.get(AUTHORIZATION), shown.get(API_KEY))


def address_of(context: Context) -> str:
    """Return where a call comes from.

    `ipv4:127.0.0.1:53412`, `ipv6:%5B::1%5D:53412`: the port is another at each connection.
    """
    return context.peer().rpartition(":")[0]


class CallQuotas:
    """The four independent quotas of one server.

    Args:
        identify: Names the caller of a credential; None where there are no credentials.
        calls: Of calls with one answer: in total, and of one caller.
        streams: Of streamed answers.
    """

    def __init__(
        self, identify: Identify | None = None, *, calls: tuple[int, int] = _CALLS, streams: tuple[int, int] = _STREAMS
    ) -> None:
        self._identify = identify
        self._quotas = {
            (False, False): Quota(*calls, reserved=calls[0] // _RESERVED if identify else 0),
            (False, True): Quota(*streams),
            (True, False): Quota(*_OPERATIONS),
            (True, True): Quota(*_WATCHED),
        }

    def of(self, method: str, *, stream: bool) -> Quota:
        """Return the quota that a method's calls share."""
        return self._quotas[method.removeprefix("/").startswith(OPERATIONS), stream]

    def caller(self, token: str, address: str) -> Caller:
        """Return the caller of a call."""
        return caller_of(self._identify(token) if self._identify else None, address)
