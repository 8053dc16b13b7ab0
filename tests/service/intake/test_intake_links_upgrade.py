"""A store of the release before: its duplicates are members of matters, its claims are gone; and back again."""

from __future__ import annotations

import json
import os

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from hub.store.migrate import MIGRATIONS
from hub.store.store import Store
from services.intake.wiring import VERSIONS

LINKED = json.dumps({"v": 1, "dispute_id": "d-2", "state": "duplicate", "master_dispute_id": "d-1"}).encode()
ALONE = json.dumps({"v": 1, "dispute_id": "d-1", "state": "accepted"}).encode()


def moved(store: Store, to: str, *, back: bool = False) -> set[str]:
    """Move the store to a revision; returns its tables."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join([str(MIGRATIONS / "versions"), str(VERSIONS)]))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, to)
    with store.engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def test_duplicates_become_members_and_claims_go(store_url: str) -> None:
    store = Store(store_url)
    try:
        moved(store, "intake_0002")
        insert = sa.text("INSERT INTO dispute VALUES (:id, 1, :state, 'court', '', :snapshot)")
        rows = [
            {"id": "d-1", "state": "accepted", "snapshot": ALONE},
            {"id": "d-2", "state": "duplicate", "snapshot": LINKED},
        ]
        with store.engine.begin() as connection:
            connection.execute(insert, rows)
            connection.execute(sa.text("INSERT INTO open_matter VALUES ('m-1', 'd-1')"))
        tables = moved(store, "intake_0003")
        assert {"matter_member", "effect", "match_pair"} <= tables
        assert "open_matter" not in tables
        with store.engine.connect() as connection:
            members = connection.execute(sa.text("SELECT dispute_id, master_dispute_id FROM matter_member")).all()
        assert [tuple(row) for row in members] == [("d-2", "d-1")]
        tables = moved(store, "intake_0002", back=True)
        assert "open_matter" in tables
        assert tables.isdisjoint({"matter_member", "effect", "match_pair"})
    finally:
        store.close()
