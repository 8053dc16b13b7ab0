"""How many calls a credential may make in a minute, and how often an address may show a wrong one.

Each process counts for itself, by minutes of its own. A wrong credential never shuts out a right one: agencies may
share an address.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from hub.access.verifier import Caller
from hub.refusals import TOO_MANY_CALLS, TOO_MANY_GUESSES

MINUTE_S: Final = 60.0
ADDRESSES_MOST: Final = 100_000
"""Addresses that are told apart in a minute; those beyond them count as one."""
BEYOND: Final = ""


class CallRates:
    """Counts calls.

    Args:
        staff: Calls a minute of a person's credential.
        systems: Calls a minute of a system's.
        guesses: Wrong credentials a minute of one address.
        elapsed: Seconds that never go back.
    """

    def __init__(
        self, *, staff: int, systems: int, guesses: int, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._staff, self._systems, self._most_guesses = staff, systems, guesses
        self._elapsed = elapsed
        self._ends_at = elapsed()
        self._calls: Counter[str] = Counter()
        self._guesses: Counter[str] = Counter()

    def count(self, caller: Caller, *, is_person: bool) -> None:
        """Count a call.

        Raises:
            Retryable: `too_many_calls`, with the time to wait.
        """
        most = self._staff if is_person else self._systems
        self._begin_minute()
        self._calls[caller.credential_id] += 1
        if self._calls[caller.credential_id] > most:
            raise TOO_MANY_CALLS.error(after_s=self._wait_s(), limit=most)

    def count_guess(self, address: str) -> None:
        """Count a credential that is none.

        Raises:
            Retryable: `too_many_guesses`, with the time to wait.
        """
        self._begin_minute()
        if address not in self._guesses and len(self._guesses) >= ADDRESSES_MOST:
            address = BEYOND
        self._guesses[address] += 1
        if self._guesses[address] > self._most_guesses:
            raise TOO_MANY_GUESSES.error(after_s=self._wait_s())

    def _begin_minute(self) -> None:
        now = self._elapsed()
        if now >= self._ends_at:
            self._ends_at = now + MINUTE_S
            self._calls.clear()
            self._guesses.clear()

    def _wait_s(self) -> float:
        return max(1.0, self._ends_at - self._elapsed())
