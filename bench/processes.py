"""Reads the cost of a process from /proc.

It is processor time and memory, with those of its children.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
SAMPLE_S: Final = 0.1
# fields of /proc/<pid>/stat after the name in brackets, which may hold blanks
USER, SYSTEM, ENDED_USER, ENDED_SYSTEM = 11, 12, 13, 14


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of a process and its children.

    Attributes:
        cpu_s: Processor seconds so far, user and system; includes children that ended and were waited for.
        rss_bytes: Resident memory now.
    """

    cpu_s: float
    rss_bytes: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu_s + other.cpu_s, self.rss_bytes + other.rss_bytes)


def usage_of(pid: int) -> Usage:
    """Return the usage of a process and its descendants.

    Only descendants that are alive are included.

    Raises:
        ProcessLookupError: There is no such process (any more).
    """
    found = _own(pid)
    for child in children_of(pid):
        try:
            found += usage_of(child)
        except ProcessLookupError:
            continue  # it ended just now; its time counts with its parent's from then on
    return found


def children_of(pid: int) -> list[int]:
    """Return the live children of a process.

    They are the children of all its threads; empty when it has ended.
    """
    try:
        # not Path.glob, which first checks that the folder exists, and fails when the process ends in between
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            found += map(int, (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # that thread ended just now
    return found


def _own(pid: int) -> Usage:
    folder = Path(f"/proc/{pid}")
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        pages = int((folder / "statm").read_text().split()[1])
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    ticks = sum(int(fields[index]) for index in (USER, SYSTEM, ENDED_USER, ENDED_SYSTEM))
    return Usage(ticks / TICKS_PER_S, pages * PAGE_BYTES)


class Peak:
    """Samples the resident memory of a process.

    It is a context manager and samples in a thread of its own.

    Args:
        pid: Process; the sampling ends with it.
        every_s: Time between samples.

    Attributes:
        rss_bytes: Highest value seen.
        last: Last usage seen; gives the processor time of a process that has ended meanwhile.
    """

    def __init__(self, pid: int, every_s: float = SAMPLE_S) -> None:
        self._pid = pid
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peak", daemon=True)
        self.last = usage_of(pid)
        self.rss_bytes = self.last.rss_bytes

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.last = usage_of(self._pid)
            except ProcessLookupError:
                return
            self.rss_bytes = max(self.rss_bytes, self.last.rss_bytes)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
