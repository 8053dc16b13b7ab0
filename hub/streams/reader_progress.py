"""Judges for health whether a reader makes progress.

A running task alone is not progress.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from hub.refusals import BUS_UNAVAILABLE, READER_STUCK

TROUBLE_S: Final = 6.0
"""A reader that had to wait within this time is in trouble, whatever succeeded since: a store may fail on and off."""
UNANSWERED_S: Final = 60.0
"""How long trouble lasts while the log doesn't answer, or there is nothing to ask it: longer than any try."""
STUCK_S: Final = 20.0
"""Without a step or commit for this long, a reader waits for what never comes. Longer than any bounded wait."""


class ReaderProgress:
    """The last trouble and last progress of one reader."""

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
        """Note that the log returned its ends.

        An earlier request may have failed only after many seconds.
        """
        self._answered_at = self._now()

    def moved(self) -> None:
        """Note progress.

        That is a step that ended, or a commit within a long step.
        """
        self._moved_at = self._now()

    def trouble(self, *, fed: bool) -> str:
        """Return why nothing is applied.

        A code that health knows; empty while all is well or there is no work.

        Args:
            fed: Whether the feed makes progress.
        """
        now = self._now()
        if now - self._met_at < (UNANSWERED_S if self._met_at > self._answered_at else TROUBLE_S):
            return self._code
        if not fed:
            return BUS_UNAVAILABLE.name
        return READER_STUCK.name if now - self._moved_at > STUCK_S else ""
