"""The flood guard notices that one source's records die in numbers, so that it is held and no other (ADR 0010).

A window per source of what became of its last records; it begins with a dead letter and is forgotten once no dead
letter is left in it, so that sound records cost nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from hub.streams.holds import covers

WINDOW: Final = 200
"""Records of a source that are looked back on."""
MINIMUM: Final = 20
"""Dead letters among them, and at least half of them, that make a flood."""
REMEMBERED: Final = 256
"""Sources with a window; the one that was quiet for longest is forgotten first."""
REASONS_CHARS: Final = 256

Window = deque[str]
"""Per record the code by which it died; empty when it was sound."""


class Flooded(Exception):  # noqa: N818 - a verdict on a source, not an error of the program
    """A source's records die in numbers: it has to be held.

    Attributes:
        source: As in `hub.streams.holds`.
        reasons: Codes of the dead letters in its window, most frequent first, with their numbers.
    """

    def __init__(self, source: str, reasons: str) -> None:
        super().__init__(f"{source}: {reasons}")
        self.source = source
        self.reasons = reasons


class FloodTrial:
    """What one transaction adds to the windows; kept only when it commits."""

    def __init__(self, before: Mapping[str, Window], held: Collection[str]) -> None:
        self._before = before
        self._held = held
        self.after: dict[str, Window] = {}

    @property
    def watching(self) -> bool:
        """Tell whether sound records have to be told at all."""
        return bool(self._before or self.after)

    def note(self, source: str, reason: str) -> None:
        """Tell what became of a record; `reason` is empty when it was sound, or only too late for its dispute.

        Raises:
            Flooded: With this one the source is to be held.
        """
        if covers(self._held, source):
            return  # what can't even be stored as held: it dies, and nobody hears of it anew
        window = self.after.get(source)
        if window is None:
            before = self._before.get(source)
            if before is None and not reason:
                return
            window = self.after[source] = deque(before or (), WINDOW)
        window.append(reason)
        if not reason:
            return
        dead = Counter(code for code in window if code)
        if dead.total() >= MINIMUM and dead.total() * 2 >= len(window):
            told = ", ".join(f"{code} × {count}" for code, count in dead.most_common())
            raise Flooded(source, told[:REASONS_CHARS])


class FloodWatch:
    """Windows of the sources that had a dead letter lately; each reader has its own, empty at its start."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def trial(self, held: Collection[str]) -> FloodTrial:
        """Begin to judge a transaction; sources that are held already are not judged."""
        return FloodTrial(self._windows, held)

    def keep(self, trial: FloodTrial) -> None:
        """Take over what a committed transaction brought."""
        for source, window in trial.after.items():
            self._windows.pop(source, None)
            if any(window):
                self._windows[source] = window
        while len(self._windows) > REMEMBERED:
            del self._windows[next(iter(self._windows))]

    def forget(self, held: Iterable[str]) -> None:
        """Drop the windows of sources that are held: they come back with a clean sheet."""
        for source in held:
            self._windows.pop(source, None)
