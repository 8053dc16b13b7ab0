"""Migrates a store to the current schema.

The kernel tables and the service's own are two branches of one Alembic history.
"""

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
"""How long a starting service waits for a database that is not up or can't be written, before it gives up."""
RETRY_S: Final = 1.0
MIGRATIONS = Path(__file__).parent / "migrations"
_log = structlog.stdlib.get_logger(__name__)

LOCK = 0x53414E54  # PostgreSQL advisory lock: two workers that start at once migrate one after the other


def migrate(store: Store, service_versions: Path | None = None) -> None:
    """Upgrade the store to the newest schema.

    Both branches are upgraded; nothing happens when both are current.

    Args:
        store: Nobody else writes to it while the service starts.
        service_versions: Folder of the service's revisions; None for the kernel's alone.

    Raises:
        Retryable: The store can't be migrated now.
    """
    locations = [MIGRATIONS / "versions", *([service_versions] if service_versions else [])]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(str(path) for path in locations))
    try:
        with store.engine.begin() as connection:
            if store.dialect == "postgresql":
                # A revision may rewrite a table, and wait for another worker: the time-outs of requests are too short.
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{UPKEEP.lock_s:g}s'")
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "heads")
    except Exception as error:
        raise translate(error).error() from error


def prepare(
    store: Store,
    service_versions: Path,
    first: Callable[[Transaction], object],
    *,
    patience_s: float = START_S,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Migrate a store and write its first unit.

    A service does this as it starts. A store that can't do it now is waited for.

    Args:
        store: Of the service.
        service_versions: As for `migrate`.
        first: First unit: proves that the store can be written.
        patience_s: How long it is tried.
        sleep: Between two tries.

    Raises:
        Retryable: It failed in all that time: better not to start than to accept what can't be stored.
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
