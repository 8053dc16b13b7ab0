"""Engines for SQLite and PostgreSQL with the durability that `accepted` promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc, pool

from hub.errors import Kind, Rejected, Retryable

BUSY_TIMEOUT_MS: Final = 30_000
"""How long SQLite waits for another process's lock (a backup, an operator's shell) before it gives up."""
CACHE_KIB: Final = 16 * 1024
"""SQLite's page cache of each connection, of which a service has several; a table that is counted fills it. The kernel
keeps the same pages, so four times as much made a record no cheaper and a process 50 MB larger."""


def writer_engine(url: str) -> sa.Engine:
    """Return an engine for the one writer thread: it takes the write lock at once and commits with fsync."""
    return _engine(url, begin="BEGIN IMMEDIATE", isolation=None, size=1)


def reader_engine(url: str, size: int) -> sa.Engine:
    """Return an engine for `size` reader threads: every transaction is one snapshot."""
    return _engine(url, begin="BEGIN", isolation="REPEATABLE READ", size=size)


def _engine(url: str, *, begin: str, isolation: str | None, size: int) -> sa.Engine:
    parsed = sa.make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = sa.create_engine(
            parsed, poolclass=pool.QueuePool, pool_size=size, max_overflow=0, connect_args={"check_same_thread": False}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _beginner(begin))
        return engine
    if backend == "postgresql":
        options: dict[str, Any] = {} if isolation is None else {"isolation_level": isolation}
        engine = sa.create_engine(parsed, pool_size=size, max_overflow=0, pool_pre_ping=True, **options)
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    raise Rejected(
        "unknown_store", f"store_url names {backend}; sqlite and postgresql are supported", field="store_url"
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection has no stub
    # The driver's own implicit BEGIN would break snapshots and savepoints: we begin ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{CACHE_KIB}",
        "wal_autocheckpoint=4000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401 - as above
    with connection.cursor() as cursor:
        # Says so even where the server's default was weakened: a receipt means a flushed WAL.
        cursor.execute("SET synchronous_commit = on")
    connection.commit()


def _beginner(statement: str) -> Callable[[sa.Connection], None]:
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def translate(error: Exception) -> Exception:
    """Return what a database error means to the caller: not now (`Retryable`) or our bug (the error itself)."""
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.TimeoutError):
        text = str(getattr(error, "orig", error)).lower()
        if "full" in text or "no space" in text:
            return Retryable("store_full", "the store has no space left", after_s=5.0, kind=Kind.EXHAUSTED)
        return Retryable("store_unavailable", f"the store did not answer: {type(error).__name__}", after_s=0.5)
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return Retryable("store_unavailable", "the connection to the store broke", after_s=0.5)
    return error
