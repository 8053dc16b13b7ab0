"""How many calls a credential may make in a minute, and how often an address may show a wrong one.

Each process counts for itself. A wrong credential never shuts out a right one: agencies may share an address.
"""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from hub.access.verifier import Caller
from hub.refusals import TOO_MANY_CALLS, TOO_MANY_GUESSES


class CallRates:
    """Counts calls.

    Args:
        staff: Calls a minute of a person's credential.
        systems: Calls a minute of a system's.
        guesses: Wrong credentials a minute of one address.
    """

    def __init__(self, *, staff: int, systems: int, guesses: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._staff, self._systems = RateLimitItemPerMinute(staff), RateLimitItemPerMinute(systems)
        self._guesses = RateLimitItemPerMinute(guesses)

    def count(self, caller: Caller, *, is_person: bool) -> None:
        """Count a call.

        Raises:
            Retryable: `too_many_calls`, with the time to wait.
        """
        limit = self._staff if is_person else self._systems
        if not self._limiter.hit(limit, caller.credential_id):
            raise TOO_MANY_CALLS.error(after_s=self._wait_s(limit, caller.credential_id), limit=limit.amount)

    def count_guess(self, address: str) -> None:
        """Count a credential that is none.

        Raises:
            Retryable: `too_many_guesses`, with the time to wait.
        """
        if not self._limiter.hit(self._guesses, address):
            raise TOO_MANY_GUESSES.error(after_s=self._wait_s(self._guesses, address))

    def _wait_s(self, limit: RateLimitItemPerMinute, key: str) -> float:
        return max(1.0, self._limiter.get_window_stats(limit, key).reset_time - time.time())
