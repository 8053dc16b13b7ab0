"""How long the driver waited at worst: without any answer while it wanted one, and for the answer to one call."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from typing_extensions import override

from ops.play.simulators.answers import Patience

T = TypeVar("T")
LONG: Final = frozenset({"hand-offs to be applied", "the clock to move"})
"""Calls that wait because they are asked to."""


class Stall:
    """Watches the wants of one episode; all of one event loop.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wanting = 0
        self._since = 0.0
        self._longest = 0.0
        self.answers = 0

    @contextmanager
    def wanting(self) -> Iterator[None]:
        """Want one answer for the time of the block; leaving it without an error is the answer."""
        if self._wanting == 0:
            self._since = self._clock()
        self._wanting += 1
        try:
            yield
            self.answers += 1
            self._longest = self.longest_s
            self._since = self._clock()
        finally:
            self._wanting -= 1

    @property
    def longest_s(self) -> float:
        """The longest wait so far, one that still lasts included."""
        lasting = self._clock() - self._since if self._wanting else 0.0
        return max(self._longest, lasting)


class TimedPatience(Patience):
    """Knows the longest wait for the answer to one call, whatever it was; a caller that gave up got none in that time.

    Attributes:
        longest_s: Since it was last set to 0.
    """

    longest_s = 0.0

    @override
    async def until_answered(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        async def timed() -> T:
            began = time.monotonic()
            try:
                return await attempt()
            finally:
                self.longest_s = max(self.longest_s, time.monotonic() - began)

        return await Patience.until_answered(self, what, attempt if what in LONG else timed)
