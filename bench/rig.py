"""The test environment of benchmarks.

It has a broker with the benchmark JVM, the five services or a single one, and a temporary folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench import pace
from bench.results import SCRATCH
from hub.kafka.bus import Bus
from ops.run.broker.jars import Say
from ops.run.broker.native import JVM, NativeKafka
from ops.run.broker.ports import free_ports
from ops.run.children import Child
from ops.run.credentials import FOLDER, make
from ops.run.launcher import Hub, LaunchPlan

HEAP: Final = "-Xmx512m"
BENCH_JVM: Final = (*(option for option in JVM if not option.startswith(("-Xmx", "-XX:TieredStopAtLevel"))), HEAP)
"""The optimising compiler is on and the heap twice as large: the broker slows down no contender and is the same for
all."""


@contextmanager
def scratch(name: str, kept: Path | None = None) -> Iterator[Path]:
    """Provide a run folder and watch the machine's pace.

    The folder is `kept`, or a new one that is removed at the end.
    """
    (kept or SCRATCH).mkdir(parents=True, exist_ok=True)
    folder = kept or Path(tempfile.mkdtemp(prefix=f"{name}-", dir=SCRATCH))
    try:
        with pace.watched():
            yield folder.resolve()
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def broker(folder: Path, say: Say, *, brokers: int = 1) -> NativeKafka:
    """Return a native broker with the benchmark JVM.

    It is a context manager. By default there is one broker, so one copy of everything.

    Args:
        folder: Run folder; the broker's data go to `kafka` in it.
        say: Gets progress lines.
        brokers: One, or three.
    """
    return NativeKafka(folder / "kafka", say=say, brokers=brokers, jvm=BENCH_JVM)


def bus(of: NativeKafka, *, partitions: int | None = None) -> Bus:
    """Return the connection to a broker.

    The product's clients use it.
    """
    plain = Bus(of.bootstrap)
    return plain if partitions is None else replace(plain, partitions=partitions)


def five(plan: LaunchPlan, say: Say) -> Hub:
    """Return the five services on a benchmark broker.

    It is an asynchronous context manager; the broker belongs to it.
    """
    return Hub(plan, say, broker=broker(plan.folder, say))


def single(
    name: str,
    folder: Path,
    bootstrap: str,
    *,
    store_url: str = "",
    worker: int = 1,
    settings: Mapping[str, str] | None = None,
) -> Child:
    """Return one service as a process, not yet started.

    Args:
        name: Service, for example `stats`.
        folder: Run folder for its log, keys and, by default, its SQLite store.
        bootstrap: The broker.
        store_url: Store; empty is `stores/<name>.db` in the folder, created by the service.
        worker: 2 and more for further processes of the same service (PostgreSQL).
        settings: More `HUB_…` variables.
    """
    stores = folder / "stores"
    stores.mkdir(parents=True, exist_ok=True, mode=0o700)
    grpc_port, http_port = free_ports(2)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    environment |= {
        "HUB_STORE_URL": store_url or f"sqlite:///{stores / name}.db",
        "HUB_KAFKA_BOOTSTRAP": bootstrap,
        "HUB_GRPC_PORT": str(grpc_port),
        "HUB_HTTP_PORT": str(http_port),
        "HUB_KEYS_DIR": str(folder / "keys"),
        "HUB_CREDENTIALS_FILE": str(make(folder / FOLDER, []).file),
        "HUB_CLOCK": "wall",
        "HUB_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    return Child(name, worker, environment | dict(settings or {}), folder)
