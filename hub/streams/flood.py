"""The flood guard, which detects mass failures of a source.

When many records of one source become dead letters, that source is held and no other (ADR-0010). Each source has a
window with the outcomes of its last records. It begins with a dead letter and is forgotten once it contains no dead
letter, so that sound records cost nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from hub.streams.holds import covers

WINDOW: Final = 200
"""Last records of a source that are judged."""
MINIMUM: Final = 20
"""Dead letters among them, and at least half of them, that make a flood."""
REMEMBERED: Final = 256
"""Sources with a window; the one without a change for longest is forgotten first."""
REASONS_CHARS: Final = 256

Window = deque[str]
"""For each record the code of its dead letter; empty when it was sound."""


class Flooded(Exception):  # noqa: N818 - a verdict on a source, not an error of the program
    """A source has too many dead letters.

    It has to be held.

    Attributes:
        source: As in `hub.streams.holds`.
        reasons: Codes of the dead letters in its window, most frequent first, with their numbers.
    """

    def __init__(self, source: str, reasons: str) -> None:
        super().__init__(f"{source}: {reasons}")
        self.source = source
        self.reasons = reasons


class FloodTrial:
    """What one transaction adds to the windows.

    It is kept only when the transaction commits.
    """

    def __init__(self, before: Mapping[str, Window], held: Collection[str]) -> None:
        self._before = before
        self._held = held
        self.after: dict[str, Window] = {}

    @property
    def watching(self) -> bool:
        """Return whether sound records must be noted at all."""
        return bool(self._before or self.after)

    def note(self, source: str, reason: str) -> None:
        """Note the outcome of a record.

        `reason` is empty when it was sound, or only too late for its dispute.

        Raises:
            Flooded: With this record the source is to be held.
        """
        if covers(self._held, source):
            return  # a record that can't be stored as held: it becomes a dead letter, without another hold
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
            reasons = ", ".join(f"{code} × {count}" for code, count in dead.most_common())
            raise Flooded(source, reasons[:REASONS_CHARS])


class FloodWatch:
    """The windows of sources with recent dead letters.

    Each reader has its own windows, empty at its start.
    """

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def trial(self, held: Collection[str]) -> FloodTrial:
        """Begin to judge a transaction.

        Sources that are held already are not judged.
        """
        return FloodTrial(self._windows, held)

    def keep(self, trial: FloodTrial) -> None:
        """Take over the outcomes of a committed transaction."""
        for source, window in trial.after.items():
            self._windows.pop(source, None)
            if any(window):
                self._windows[source] = window
        while len(self._windows) > REMEMBERED:
            del self._windows[next(iter(self._windows))]

    def forget(self, held: Iterable[str]) -> None:
        """Drop the windows of held sources.

        After their release they start with an empty window.
        """
        for source in held:
            self._windows.pop(source, None)
