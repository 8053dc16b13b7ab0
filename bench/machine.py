"""Describes the machine of a run.

Every result includes it, because a rate without its machine means nothing.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench import pace

ROOT: Final = Path(__file__).resolve().parents[1]
KIB: Final = 1024
UNKNOWN: Final = "unknown"


def facts(folder: Path) -> dict[str, object]:
    """Return the facts of the machine and the run.

    They are date, commit, processor and its pace, memory, versions, and the file system of `folder`.

    Args:
        folder: Existing folder of the run's stores and the broker's log.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": _named(Path("/proc/cpuinfo"), "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": int(_named(Path("/proc/meminfo"), "MemTotal").split()[0]) * KIB,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "java": _first_line(["java", "-version"]),
        "file_system": file_system(folder),
        "turn_ns": pace.turns(),
    }


def commit() -> str:
    """Return the short commit of the checkout.

    It ends with `+dirty` when tracked files outside `docs` differ from it.
    """
    found = _output(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    if not found:
        return UNKNOWN
    changed = _output(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"])
    return found + ("+dirty" if changed else "")


def file_system(folder: Path) -> str:
    """Return the type of a folder's file system.

    The mount with the longest prefix decides.
    """
    path = folder.resolve()
    found = {
        Path(where): kind
        for _, where, kind, *_ in (line.split() for line in Path("/proc/mounts").read_text().splitlines())
        if path.is_relative_to(where)
    }
    return found[max(found, key=lambda where: len(where.parts))] if found else UNKNOWN


def _named(table: Path, name: str) -> str:
    for line in table.read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == name:
            return value.strip()
    return "0" if table.name == "meminfo" else UNKNOWN


def _output(command: list[str]) -> str:
    try:
        # java prints its version on stderr
        return subprocess.check_output(command, text=True, stderr=subprocess.STDOUT).strip()  # noqa: S603 - fixed words
    except (OSError, subprocess.CalledProcessError):
        return ""


def _first_line(command: list[str]) -> str:
    lines = _output(command).splitlines()
    return next((line for line in lines if "version" in line), UNKNOWN)
