"""Imports the modules named on the command line under an audit hook that forbids work (run by test_house_imports.py).

A process of its own, because an audit hook can't be taken back. Third parties are imported first: what they do at
import time is theirs.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from typing import NoReturn

THIRD = (
    *("sqlalchemy", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql", "alembic.command", "psycopg"),
    *("faust", "kafka", "aiokafka", "pydantic_settings", "yaml", "structlog", "typer", "rich.live", "stamina"),
    *("grpc.aio", "grpc_status.rpc_status", "grpc_health.v1.health", "grpc_reflection.v1alpha.reflection"),
    *("fastapi", "uvicorn", "httpx2", "prometheus_client", "chinese_calendar"),
    "cryptography.hazmat.primitives.ciphers.aead",
)
FORBIDDEN = {
    *("socket.bind", "socket.connect", "sqlite3.connect", "subprocess.Popen"),
    *("os.fork", "os.mkdir", "os.remove", "os.rename"),
}


def forbid(event: str, args: tuple[object, ...]) -> None:
    """Audit hook: refuse what has an effect outside the process."""
    writes = False
    if event == "open":
        _, mode, flags = args
        by_mode = isinstance(mode, str) and bool(set(mode) & set("wax+"))
        writes = by_mode or bool((flags if isinstance(flags, int) else 0) & (os.O_WRONLY | os.O_RDWR))
    if writes or event in FORBIDDEN:
        raise PermissionError(f"work at import time: {event} {args[:1]}")


def refuse_thread(thread: threading.Thread) -> NoReturn:
    """Stand in for Thread.start, which has no audit event before Python 3.12."""
    raise PermissionError(f"work at import time: thread {thread.name}")


def built_kinds() -> tuple[type, ...]:
    """Classes whose instances belong into a wiring function, never into a module."""
    named = (
        *("sqlalchemy.engine:Engine", "fastapi:FastAPI", "faust:App", "grpc:Server", "grpc.aio:Server"),
        *("grpc.aio:Channel", "pydantic_settings:BaseSettings", "prometheus_client:CollectorRegistry"),
        "prometheus_client.metrics:MetricWrapperBase",
    )
    return tuple(getattr(importlib.import_module(name.split(":")[0]), name.split(":")[1]) for name in named)


def main(names: list[str]) -> int:
    """Import each and print what it did; 1 when something was done."""
    warnings.simplefilter("ignore")
    for third in THIRD:
        importlib.import_module(third)
    kinds = built_kinds()
    sys.addaudithook(forbid)
    threading.Thread.start = refuse_thread  # type: ignore[method-assign,assignment] # this process does nothing else
    faults = []
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever an import does wrong is the finding
            faults.append(f"{name}: {error!r}")
            continue
        faults += [f"{name}: {key} is built at import time" for key, v in vars(module).items() if isinstance(v, kinds)]
    sys.stdout.write("\n".join(faults) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
