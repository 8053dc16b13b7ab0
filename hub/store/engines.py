"""Database engines for SQLite and PostgreSQL.

They have the durability that `accepted` promises, and a bound on every wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, pool
from sqlalchemy.engine import ExceptionContext

from hub.refusals import UNKNOWN_STORE
from hub.store.failures import judge
from hub.store.waits import CONNECT_S, SILENT_S, WaitBounds

CACHE_KIB: Final = 16 * 1024
"""SQLite's page cache of each connection, of which a service has several; counting a table fills it. The kernel
caches the same pages, so four times as much made a record no cheaper and a process 50 MB larger."""
WAL_PAGES: Final = 8000
"""Pages after which a commit copies SQLite's write-ahead log into the database (32 MB). A page that several commits
wrote is copied once: with half of that intake wrote a twentieth more pages."""
WAL_KEEP_BYTES: Final = 48 * 1024 * 1024
"""Size that the log's file keeps for the next commits after it was copied. A long read makes the file grow, and without
this limit it would keep that size for ever."""

_LINK: Final = {
    "connect_timeout": CONNECT_S,
    "keepalives": 1,
    "keepalives_idle": SILENT_S // 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": SILENT_S * 1000,
}


def writer_engine(url: str, waits: WaitBounds) -> sa.Engine:
    """Return an engine for the one writer thread.

    It takes the write lock at once and commits with fsync.
    """
    return _engine(url, waits, begin="BEGIN IMMEDIATE", isolation=None, size=1)


def reader_engine(url: str, waits: WaitBounds, size: int) -> sa.Engine:
    """Return an engine for `size` reader threads.

    Every transaction is one snapshot.
    """
    return _engine(url, waits, begin="BEGIN", isolation="REPEATABLE READ", size=size)


def _engine(url: str, waits: WaitBounds, *, begin: str, isolation: str | None, size: int) -> sa.Engine:
    parsed = sa.make_url(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = sa.create_engine(
            parsed,
            poolclass=pool.QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=waits.pool_s,
            connect_args={"check_same_thread": False, "timeout": waits.lock_s},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _beginner(begin))
    elif backend == "postgresql":
        options: dict[str, Any] = {} if isolation is None else {"isolation_level": isolation}
        engine = sa.create_engine(
            parsed,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=waits.pool_s,
            # Options in the operator's URL take precedence.
            connect_args={name: value for name, value in _LINK.items() if name not in parsed.query},
            **options,
        )
        event.listen(engine, "connect", _preparer_postgresql(waits))
    else:
        raise UNKNOWN_STORE.error(backend=backend)
    event.listen(engine, "handle_error", _discard_spent)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection has no stub
    # The driver's own implicit BEGIN would break snapshots and savepoints: we send BEGIN ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{CACHE_KIB}",
        f"wal_autocheckpoint={WAL_PAGES}",
        f"journal_size_limit={WAL_KEEP_BYTES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _preparer_postgresql(waits: WaitBounds) -> Callable[[Any, object], None]:
    settings = {
        # Set even where the server's default was weakened: a receipt means a flushed WAL.
        "synchronous_commit": "on",
        "lock_timeout": _ms(waits.lock_s),
        "statement_timeout": _ms(waits.statement_s),
        "idle_in_transaction_session_timeout": _ms(waits.idle_s),
    }
    statement = "; ".join(f"SET {name} = {value}" for name, value in settings.items())

    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - as above
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.commit()

    return prepare


def _ms(seconds: float) -> str:
    return str(round(seconds * 1000))


def _discard_spent(context: ExceptionContext) -> None:
    """Have the pool replace connections that would keep failing.

    A session keeps the `default_transaction_read_only` that it began with, also after the server takes writes again.
    SQLite opens a file read-only when it can't open it otherwise, and the connection stays so.
    """
    not_now = judge(context.original_exception)
    if not_now is not None and not_now.spent:
        context.is_disconnect = True


def _beginner(statement: str) -> Callable[[sa.Connection], None]:
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin
