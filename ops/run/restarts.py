"""Restart back-off and the list of restarts.

The policy decides when an ended process is started again; the run folder keeps the list.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

NAME: Final = "restarts.jsonl"


@dataclass(slots=True)
class RestartPolicy:
    """Back-off of one process.

    Each further restart within `within_s` waits twice as long; after `most` of them the process is given up.

    Attributes:
        clock: Seconds of a monotonic clock.
        first_pause_s: Pause before the first restart.
        longest_pause_s: Longest pause before a later one.
        most: Largest number of restarts within `within_s`.
        within_s: Older restarts are forgotten.
    """

    clock: Callable[[], float] = time.monotonic
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0
    most: int = 5
    within_s: float = 60.0
    _restarts: deque[float] = field(default_factory=deque)

    @property
    def recent(self) -> int:
        """Number of restarts within the last `within_s` seconds."""
        since = self.clock() - self.within_s
        while self._restarts and self._restarts[0] <= since:
            self._restarts.popleft()
        return len(self._restarts)

    def pause_s(self) -> float | None:
        """Count one more restart and return its pause.

        The pause is in seconds; None means that the process is given up.
        """
        recent = self.recent
        if recent >= self.most:
            return None
        self._restarts.append(self.clock())
        pause: float = min(self.first_pause_s * 2**recent, self.longest_pause_s)
        return pause


@dataclass(frozen=True, slots=True)
class End:
    """One unexpected end of a process.

    Attributes:
        process: Label, for example `intake`, or `kafka`.
        at: ISO instant, UTC.
        cause: Text for people: signal, exit code, or that it no longer answered.
        again_in_s: Seconds until it is started again; None means that it was given up and everything stops.
    """

    process: str
    at: str
    cause: str
    again_in_s: float | None


class EndList:
    """The unexpected ends of one run.

    The run folder keeps the list; each run begins with an empty one.

    Args:
        folder: Run folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._path.write_text("", encoding="utf-8")
        self._path.chmod(0o600)

    def add(self, end: End) -> None:
        """Append one end to the list."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(end), ensure_ascii=False) + "\n")


def ends(folder: Path) -> list[End]:
    """Return the ends of a run, oldest first.

    The list is empty when no supervisor watches the processes.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [End(**json.loads(line)) for line in lines]


def restarts(folder: Path) -> Counter[str]:
    """Count the restarts of each process of a run."""
    return Counter(end.process for end in ends(folder) if end.again_in_s is not None)
