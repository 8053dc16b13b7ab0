"""What a driver's error means: every class of the table, and that what stands in none stays our bug."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy import exc

from hub.errors import Bug, Fault, Kind, Refusal
from hub.store.engines import writer_engine
from hub.store.failures import judge, translate
from hub.store.waits import SERVING

TOLD = [
    (errors.ReadOnlySqlTransaction, "store_read_only"),
    (errors.IdleInTransactionSessionTimeout, "store_unavailable"),
    (errors.SerializationFailure, "store_busy"),
    (errors.DeadlockDetected, "store_busy"),
    (errors.StatementCompletionUnknown, "store_busy"),
    (errors.DiskFull, "store_full"),
    (errors.OutOfMemory, "store_busy"),
    (errors.TooManyConnections, "store_busy"),
    (errors.LockNotAvailable, "store_locked"),
    (errors.ObjectInUse, "store_locked"),
    (errors.QueryCanceled, "store_busy"),
    (errors.AdminShutdown, "store_unavailable"),
    (errors.CrashShutdown, "store_unavailable"),
    (errors.CannotConnectNow, "store_unavailable"),
    (errors.IoError, "store_unavailable"),
    (errors.ConnectionFailure, "store_unavailable"),
    (psycopg.OperationalError, "store_unavailable"),  # "connection refused" has no SQLSTATE
]
OURS = [
    errors.UndefinedTable,
    errors.UniqueViolation,
    errors.InFailedSqlTransaction,
    errors.NoActiveSqlTransaction,
    errors.InsufficientPrivilege,
    psycopg.ProgrammingError,
]


def wrapped(origin: Exception) -> Exception:
    """Return it as SQLAlchemy raises it, under the class that it gives to the driver's own."""
    kinds = (exc.OperationalError, exc.IntegrityError, exc.InternalError, exc.ProgrammingError, exc.InterfaceError)
    names = {base.__name__ for base in type(origin).__mro__}
    kind = next(kind for kind in kinds if kind.__name__ in names)
    return kind("SELECT 1", None, origin)


@pytest.mark.parametrize(("error", "code"), TOLD, ids=lambda value: getattr(value, "__name__", value))
def test_postgresql_says_not_now(error: type[psycopg.Error], code: str) -> None:
    verdict = translate(wrapped(error("…")))
    assert isinstance(verdict, Refusal)
    assert (verdict.code, verdict.after_s > 0) == (code, True)


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_what_stands_in_no_row_is_our_bug(error: type[psycopg.Error]) -> None:
    raised = wrapped(error("the disk is full, the database is locked, no space left"))
    assert translate(raised) == Bug(raised)


def test_a_full_store_is_exhausted_and_the_rest_is_unavailable() -> None:
    kinds = {code: translate(wrapped(error("…"))).kind for error, code in TOLD}  # type: ignore[union-attr]
    assert {code for code, kind in kinds.items() if kind is Kind.EXHAUSTED} == {"store_full"}
    assert set(kinds.values()) == {Kind.EXHAUSTED, Kind.UNAVAILABLE}


def test_a_bug_of_python_is_a_bug() -> None:
    raised = ValueError("locked")
    assert translate(raised) == Bug(raised)


def test_no_free_connection_is_not_now() -> None:
    assert isinstance(translate(exc.TimeoutError()), Refusal)


def failing(tmp_path: Path, prepare: str, statement: str) -> Exception:
    """Return what SQLite itself raises at a statement."""
    engine = writer_engine(f"sqlite:///{tmp_path / 'a.db'}", SERVING)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE t (n INTEGER PRIMARY KEY, x BLOB)")
            connection.commit()
            connection.exec_driver_sql(prepare)
            with pytest.raises(exc.DBAPIError) as caught:
                connection.exec_driver_sql(statement)
            return caught.value
    finally:
        engine.dispose()


def test_sqlite_full(tmp_path: Path) -> None:
    full = failing(tmp_path, "PRAGMA max_page_count=3", "INSERT INTO t (x) VALUES (zeroblob(100000))")
    assert "store_full" in str(translate(full))


def test_sqlite_read_only(tmp_path: Path) -> None:
    read_only = failing(tmp_path, "PRAGMA query_only=ON", "INSERT INTO t (n) VALUES (1)")
    verdict = judge(read_only)
    assert verdict is not None
    assert (verdict.code.name, verdict.spent) == ("store_read_only", True)


@pytest.mark.parametrize(
    "statement", ["INSERT INTO nowhere VALUES (1)", "INSERT INTO t (n) VALUES ('no number')"], ids=["sql", "type"]
)
def test_a_wrong_statement_on_sqlite_is_our_bug(tmp_path: Path, statement: str) -> None:
    raised = failing(tmp_path, "PRAGMA user_version", statement)
    assert translate(raised) == Bug(raised)


def test_a_damaged_file_stops_the_process_and_names_the_repair(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"this is no database at all, and long enough to be looked at. " * 100)
    engine = writer_engine(f"sqlite:///{tmp_path / 'a.db'}", SERVING)
    with pytest.raises(exc.DBAPIError) as caught, engine.connect():
        pass
    verdict = translate(caught.value)
    assert isinstance(verdict, Bug)
    assert isinstance(verdict.exception, Fault)
    assert verdict.exception.code == "store_damaged"


def test_a_misuse_of_the_driver_is_our_bug() -> None:
    raised = wrapped(sqlite3.InterfaceError("Error binding parameter"))
    assert translate(raised) == Bug(raised)


def test_the_address_s_own_options_stand(tmp_path: Path) -> None:
    url = sa.make_url(f"postgresql+psycopg://u@/x?host={tmp_path}&connect_timeout=1&tcp_user_timeout=500")
    engine = writer_engine(url.render_as_string(hide_password=False), SERVING)
    _, told = engine.dialect.create_connect_args(engine.url)
    assert (told["connect_timeout"], told["tcp_user_timeout"]) == ("1", "500")
    with pytest.raises(exc.OperationalError) as caught:
        engine.connect()
    assert "store_unavailable" in str(translate(caught.value))
