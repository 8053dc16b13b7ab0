"""The run folder and its `run.json`.

The file contains the addresses of a running hub, so that other commands find it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops.console.exits import CommandError, Exit

RUNS: Final = Path(".run")
NAME: Final = "run.json"
KEYS: Final = "credentials"
LOCK: Final = "run.lock"
WALL: Final = "wall"


@dataclass(frozen=True, slots=True)
class Running:
    """The addresses of one hub.

    Attributes:
        folder: Run folder.
        pid: Process that holds it.
        kafka: Bootstrap servers.
        grpc: Label of each process to its gRPC address.
        http: Label of each process to its HTTP address.
        stores: Service to its store's address.
        clock: What its limits pass by: wall or scenario.
    """

    folder: str
    pid: int
    kafka: str
    grpc: dict[str, str]
    http: dict[str, str]
    stores: dict[str, str]
    clock: str = WALL


def new_folder(under: Path = RUNS) -> Path:
    """Make a run folder named after the time.

    Only its owner can read it.
    """
    folder = under.resolve() / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    folder.mkdir(parents=True, mode=0o700)
    return folder


def own_folder(folder: Path) -> Path:
    """Make or reuse the run folder that the operator named.

    Only its owner can read it.

    Raises:
        CommandError: It can't be made, or belongs to somebody else.
    """
    found = folder.resolve()
    try:
        found.mkdir(parents=True, exist_ok=True, mode=0o700)
        found.chmod(0o700)
    except OSError as error:
        raise CommandError(Exit.USAGE, f"运行目录不可用 run folder can't be used: {error}") from error
    return found


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run folder for one hub.

    Two hubs on the same stores and Kafka would damage each other's data. The kernel releases the lock when the process
    ends, for whatever reason.

    Raises:
        CommandError: Another process holds it.
    """
    with (folder / LOCK).open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                Exit.USAGE,
                f"此运行目录已有一个枢纽在运行 a hub runs in this folder already: {folder}\n"
                f"查看 to look at it: hub status --run {folder}",
            ) from error
        yield


@contextmanager
def run_folder(named: Path | None) -> Iterator[Path]:
    """Make or reuse the folder of a run, and hold it.

    When a start fails before anything but keys was written into a new folder, the folder is removed: keys alone have no
    use.

    Raises:
        CommandError: Another process holds it, or it can't be made.
    """
    fresh = named is None or not named.exists()
    folder = new_folder() if named is None else own_folder(named)
    try:
        with held(folder):
            yield folder
    except BaseException:
        kept = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != KEYS and path.name != LOCK)
        if fresh and not any(kept):
            shutil.rmtree(folder)
        raise


def left_over(folder: Path) -> list[int]:
    """Return the running processes of an earlier run.

    They are found through the pid files in the folder.
    """
    found = []
    for path in (*folder.glob("pids/*.pid"), *folder.glob("kafka/broker-*/broker.pid")):
        with suppress(OSError, ValueError):
            pid = int(path.read_text())
            os.kill(pid, 0)
            found.append(pid)
    return found


def write(running: Running) -> None:
    """Write `run.json`.

    Addresses of PostgreSQL stores contain no password: they are reached by a socket file.
    """
    path = Path(running.folder) / NAME
    path.write_text(json.dumps(asdict(running), indent=1), encoding="utf-8")
    path.chmod(0o600)


def clock_of(folder: Path) -> str:
    """Return the clock of the run that a folder holds; a new run goes by the machine's."""
    return find(folder).clock if (folder / NAME).is_file() else WALL


def find(folder: Path | None) -> Running:
    """Return the run of a folder, or the newest one.

    Without a folder, runs are looked for under `.run` of the working directory.

    Raises:
        CommandError: There is none.
    """
    found = [folder / NAME] if folder is not None else sorted(RUNS.glob(f"*/{NAME}"))
    if not found or not found[-1].is_file():
        raise CommandError(
            Exit.USAGE,
            "没有找到运行中的枢纽：先运行 hub up，或用 --run 指定 / no run found: start `hub up`, or use --run",
        )
    return Running(**json.loads(found[-1].read_text(encoding="utf-8")))
