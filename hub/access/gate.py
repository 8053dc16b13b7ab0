"""Decides who may make a call, before anything of it is read.

The answer to a caller without a valid credential is always the same. One with a credential learns that the call is not
for its role, and nothing of what it asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Final, Protocol

from hub.access.rates import CallRates
from hub.access.verifier import Caller, TokenVerifier
from hub.errors import Refusal, Refused, Rejected
from hub.refusals import CREDENTIALS_STALE, NOT_FOR_ROLE, UNAUTHENTICATED
from hub.runtime.clock import Clock

BEARER: Final = "Bearer "
AUTHORIZATION: Final = "authorization"
API_KEY: Final = "x-api-key"
"""Headers of HTTP and metadata of gRPC that carry a token; agencies have the second one from before."""

COME_BACK_S: Final = 1.0

_CALLER: Final[ContextVar[Caller]] = ContextVar("who makes the call")


class CallTable(Protocol):
    """What roles may do, as the product's table has it."""

    def may_call(self, role: str, scopes: frozenset[str], call: str) -> bool:
        """Tell whether a role may make a call in these scopes; no scopes are all of the role."""

    def is_person(self, role: str) -> bool:
        """Tell whether people hold the role."""

    def goes_on(self, role: str) -> bool:
        """Tell whether the role is served while a revocation might wait behind."""


def current_caller() -> Caller:
    """Return who makes the call that is served now; `LookupError` outside of one that passed a gate."""
    return _CALLER.get()


def token_of(authorization: str | None, api_key: str | None) -> str:
    """Return the token of a request's headers; empty without one."""
    if authorization is not None and authorization.startswith(BEARER):
        return authorization[len(BEARER) :].strip()
    return api_key or ""


class Gate:
    """Lets callers pass.

    Args:
        verifier: Knows the tokens.
        table: What roles may do.
        clock: Wall clock.
        is_stale: Tells whether a revocation might wait behind.
        is_ours: Tells whether this service serves a caller at all.
        rates: Counts calls and guesses; None counts nothing.
        note: Gets each refusal, with the call, the caller if it is known, and the address.
        used: Gets the credential's id and the instant of each call that is admitted; a stream is one call.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        table: CallTable,
        clock: Clock,
        *,
        is_stale: Callable[[], bool] = lambda: False,
        is_ours: Callable[[Caller], bool] = lambda _: True,
        rates: CallRates | None = None,
        note: Callable[[str, Caller | None, str, Refusal], None] = lambda *_: None,
        used: Callable[[str, datetime], None] = lambda *_: None,
    ) -> None:
        self._verifier = verifier
        self._table = table
        self._clock = clock
        self._is_stale = is_stale
        self._is_ours = is_ours
        self._rates = rates
        self._note = note
        self._used = used

    def admit(self, call: str, token: str, address: str) -> Caller:
        """Return the caller, who is `current_caller` from here on.

        Args:
            call: `package.Service/Method`, or the method and template of a REST route.
            token: As it was shown; empty when none was.
            address: Where the call came from, without its port.

        Raises:
            Rejected: `unauthenticated`, `not_for_role`.
            Retryable: `credentials_stale`, `too_many_calls`, `too_many_guesses`.
        """
        caller: Caller | None = None
        now = self._clock.now()
        try:
            caller = self._known(token, address, now)
            if self._rates is not None:
                self._rates.count(caller, is_person=self._table.is_person(caller.role))
            if not self._table.may_call(caller.role, caller.scopes, call):
                raise NOT_FOR_ROLE.error()
            if self._is_stale() and not self._table.goes_on(caller.role):
                raise CREDENTIALS_STALE.error(after_s=COME_BACK_S)
        except Refused as refused:
            self._note(call, caller, address, refused.refusal)
            raise
        _CALLER.set(caller)
        self._used(caller.credential_id, now)
        return caller

    def _known(self, token: str, address: str, now: datetime) -> Caller:
        try:
            caller = self._verifier.caller_of(token, now) if token else None
        except Rejected:
            caller = None
        if caller is None or not self._is_ours(caller):
            if self._rates is not None:
                self._rates.count_guess(address)
            raise UNAUTHENTICATED.error()
        return caller
