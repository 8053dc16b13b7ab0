"""How long the driver waited at worst: the longest time without any answer while it wanted one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
