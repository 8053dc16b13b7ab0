"""Whether a reader gets on, for health: progress counts, not that its task is there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

TROUBLE_S: Final = 6.0
"""A reader that had to wait within this time is in trouble, whatever was answered since: a store fails by turns."""
UNANSWERED_S: Final = 60.0
"""So long trouble lasts while the log doesn't answer: longer than any try, and for a worker with nothing to ask."""
STUCK_S: Final = 20.0
"""No step and no commit for so long: it waits for something that does not come. Longer than any bounded wait."""


class ReaderProgress:
    """Remembers the last trouble and the last move of one reader."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._code = ""
        self._met_at = -math.inf
        self._answered_at = -math.inf
        self._moved_at = math.inf

    def met(self, code: str) -> None:
        """Note what the reader has to wait for."""
        self._code, self._met_at = code, self._now()

    def answered(self) -> None:
        """Note that the log told its ends: what it was asked before may have failed only after many seconds."""
        self._answered_at = self._now()

    def moved(self) -> None:
        """Note a step that ended, or a commit within a long one."""
        self._moved_at = self._now()

    def trouble(self, *, fed: bool) -> str:
        """Return why nothing is applied, as a code that health knows; empty while all is well or there is no work.

        Args:
            fed: Whether the feed makes progress.
        """
        now = self._now()
        if now - self._met_at < (UNANSWERED_S if self._met_at > self._answered_at else TROUBLE_S):
            return self._code
        if not fed:
            return "bus_unavailable"
        return "reader_stuck" if now - self._moved_at > STUCK_S else ""
