"""The run folder's `run.json`: where a running hub is, so that other commands find it."""

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


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses of one hub.

    Attributes:
        folder: Run folder.
        pid: Process that holds it.
        kafka: Bootstrap servers.
        grpc: Label of each process to its gRPC address.
        http: Label of each process to its HTTP address.
        stores: Service to its store's address.
    """

    folder: str
    pid: int
    kafka: str
    grpc: dict[str, str]
    http: dict[str, str]
    stores: dict[str, str]


def new_folder(under: Path = RUNS) -> Path:
    """Make a run folder named by the time; nobody but the owner may look in."""
    folder = under.resolve() / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    folder.mkdir(parents=True, mode=0o700)
    return folder


def own_folder(folder: Path) -> Path:
    """Make a run folder that the operator named, or take it as it is; nobody but the owner may look in.

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
    """Hold a run folder: two hubs on one set of stores and one Kafka would spoil each other's.

    The kernel lets go of it when the process ends, however it ends.

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
    """Make the folder of a run, or take the one that the operator named, and hold it.

    A start that fails before anything was kept in a new folder leaves none behind: keys alone are of no use.

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
    """Return the processes of an earlier run of a folder that have not ended yet, as its pid files tell."""
    found = []
    for path in (*folder.glob("pids/*.pid"), *folder.glob("kafka/broker-*/broker.pid")):
        with suppress(OSError, ValueError):
            pid = int(path.read_text())
            os.kill(pid, 0)
            found.append(pid)
    return found


def write(running: Running) -> None:
    """Write the file; stores of PostgreSQL carry no password, they are reached by a socket file."""
    path = Path(running.folder) / NAME
    path.write_text(json.dumps(asdict(running), indent=1), encoding="utf-8")
    path.chmod(0o600)


def find(folder: Path | None) -> Running:
    """Return the run of a folder, or the newest one here.

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
