"""Bring a store to today's schema: kernel tables and the service's own, two branches of one Alembic history."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from hub.store.store import Store

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x53414E54  # PostgreSQL advisory lock: two workers that start at once migrate one after the other


def migrate(store: Store, service_versions: Path | None = None) -> None:
    """Upgrade the store to the newest revision of both branches; does nothing when it is there.

    Args:
        store: Nobody else writes to it while the service starts.
        service_versions: Folder of the service's revisions; None for the kernel's alone.
    """
    locations = [MIGRATIONS / "versions", *([service_versions] if service_versions else [])]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(str(path) for path in locations))
    with store.engine.begin() as connection:
        if store.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")
