"""Bring a store to today's schema: kernel tables and the service's own, two branches of one Alembic history."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config

from hub.errors import Retryable
from hub.store.failures import translate
from hub.store.store import Store, Transaction
from hub.store.waits import UPKEEP

START_S: Final = 30.0
"""A service that is started before its database, or while that can't be written, waits so long before it gives up."""
RETRY_S: Final = 1.0
MIGRATIONS = Path(__file__).parent / "migrations"
_log = structlog.stdlib.get_logger(__name__)

LOCK = 0x53414E54  # PostgreSQL advisory lock: two workers that start at once migrate one after the other


def migrate(store: Store, service_versions: Path | None = None) -> None:
    """Upgrade the store to the newest revision of both branches; does nothing when it is there.

    Args:
        store: Nobody else writes to it while the service starts.
        service_versions: Folder of the service's revisions; None for the kernel's alone.

    Raises:
        Retryable: The store can't now.
    """
    locations = [MIGRATIONS / "versions", *([service_versions] if service_versions else [])]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(str(path) for path in locations))
    try:
        with store.engine.begin() as connection:
            if store.dialect == "postgresql":
                # A revision may rewrite a table, and waits for the worker beside it: a request's bounds are not for it.
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{UPKEEP.lock_s:g}s'")
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "heads")
    except Exception as error:
        raise translate(error) from error


def prepare(
    store: Store,
    service_versions: Path,
    first: Callable[[Transaction], object],
    *,
    patience_s: float = START_S,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Bring a store to today's schema and write `first`, as a service starts; waits for a store that can't now.

    Args:
        store: Of the service.
        service_versions: As for `migrate`.
        first: First unit: proves that the store can be written.
        patience_s: How long it is tried.
        sleep: Between two tries.

    Raises:
        Retryable: It could not in all that time: better not to start than to accept what can't be kept.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            migrate(store, service_versions)
            store.write_blocking(first)
        except Retryable as error:
            if time.monotonic() >= end:
                raise
            _log.warning("store_awaited", code=error.code, detail=error.detail)
            sleep(RETRY_S)
        else:
            return
