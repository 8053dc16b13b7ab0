"""Chooses the quota that a request counts against.

Requests of operators have a quota of their own: they are answered also when all else is full.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from hub.access.gate import API_KEY, AUTHORIZATION, token_of
from hub.runtime.quotas import Identify, Quota, caller_of

OPERATIONS: Final = frozenset({"/healthz", "/livez", "/metrics"})

_REQUESTS: Final = (512, 256)
_OPERATIONS: Final = (64, 32)
"""Requests at once: in total, and of one caller."""
_RESERVED: Final = 4
"""One in this many requests is reserved for callers with a valid credential."""


def shown_token(headers: Headers) -> str:
    """Return the token that a request shows; empty without one."""
    return token_of(headers.get(AUTHORIZATION), headers.get(API_KEY))


class RequestQuotas:
    """The quotas of one server.

    Args:
        identify: Names the caller of a credential; None where there are no credentials.
        requests: In total, and of one caller.
        operations: The same for `OPERATIONS`.
    """

    def __init__(
        self,
        identify: Identify | None = None,
        *,
        requests: tuple[int, int] = _REQUESTS,
        operations: tuple[int, int] = _OPERATIONS,
    ) -> None:
        self._identify = identify
        self._requests = Quota(*requests, reserved=requests[0] // _RESERVED if identify else 0)
        self._operations = Quota(*operations)

    def hold(self, scope: Scope) -> AbstractContextManager[None]:
        """Count a request for as long as it runs.

        Raises:
            Retryable: `too_many_at_once`, when the context is entered.
        """
        quota = self._operations if scope["path"] in OPERATIONS else self._requests
        who = self._identify(shown_token(Headers(scope=scope))) if self._identify else None
        client = scope.get("client")
        return quota.hold(caller_of(who, client[0] if client else ""))
