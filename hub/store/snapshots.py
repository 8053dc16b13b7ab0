"""Opens a store for reading alone: one snapshot, and nothing of the store changes by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, pool

from hub.refusals import UNKNOWN_STORE
from hub.store.failures import translate
from hub.store.store import Transaction


@contextmanager
def snapshot(url: str) -> Iterator[Transaction]:
    """Yield one snapshot of a store, which its service may go on writing.

    Raises:
        Retryable: The store can't be read now.
        Rejected: `unknown_store`.
    """
    engine = _engine(sa.make_url(url))
    try:
        with engine.begin() as tx:
            yield tx
    except sa.exc.SQLAlchemyError as error:
        raise translate(error).error() from error
    finally:
        engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "postgresql":
        engine = sa.create_engine(url, poolclass=pool.NullPool, isolation_level="REPEATABLE READ")
        return engine.execution_options(postgresql_readonly=True)
    if backend != "sqlite":
        raise UNKNOWN_STORE.error(backend=backend)
    # Without the right to write, SQLite copies no write-ahead log into the file when the last connection closes.
    reading = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(reading, poolclass=pool.NullPool)
    event.listen(engine, "connect", _leave_begin_to_us)
    event.listen(engine, "begin", _begin)
    return engine


def _leave_begin_to_us(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection has no stub
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")
