"""When a process that ended is started again, and the list of it that a run folder keeps."""

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
    """Back-off of one process: each further restart within a while waits twice as long, and after some it is given up.

    Attributes:
        clock: Seconds of a clock that only goes forward.
        first_pause_s: Before the first restart.
        longest_pause_s: Before a later one.
        most: Restarts within `within_s`, at the most.
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
        """Number of restarts that are not forgotten."""
        since = self.clock() - self.within_s
        while self._restarts and self._restarts[0] <= since:
            self._restarts.popleft()
        return len(self._restarts)

    def pause_s(self) -> float | None:
        """Count one more restart; returns the seconds to wait before it, None when the process is given up."""
        recent = self.recent
        if recent >= self.most:
            return None
        self._restarts.append(self.clock())
        pause: float = min(self.first_pause_s * 2**recent, self.longest_pause_s)
        return pause


@dataclass(frozen=True, slots=True)
class End:
    """One end of a process that nobody asked for.

    Attributes:
        process: Label, for example `intake`, or `kafka`.
        at: ISO instant, UTC.
        cause: For people: signal, exit code, or that it no longer answered.
        again_in_s: Seconds until it is started again; None: it was given up, and everything stops.
    """

    process: str
    at: str
    cause: str
    again_in_s: float | None


class EndList:
    """The ends of one run, kept in its folder; begins empty with each run.

    Args:
        folder: Run folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._path.write_text("", encoding="utf-8")
        self._path.chmod(0o600)

    def add(self, end: End) -> None:
        """Write one down."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(end), ensure_ascii=False) + "\n")


def ends(folder: Path) -> list[End]:
    """Return the ends of the run of a folder, oldest first; none where nobody watches over the processes."""
    try:
        lines = (folder / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [End(**json.loads(line)) for line in lines]


def restarts(folder: Path) -> Counter[str]:
    """Return how often each process was started again in the run of a folder."""
    return Counter(end.process for end in ends(folder) if end.again_in_s is not None)
