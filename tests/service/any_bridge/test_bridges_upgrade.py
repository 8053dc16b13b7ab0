"""A bridge's store of the first release is brought to today's form with every row in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store import migrate as migrating
from hub.store.store import Store, Transaction
from hub.store.tables import outbox, relay_worker

SERVICES = Path(migrating.__file__).parents[2] / "services"
ROW = {
    "shard": 3,
    "epoch": "e",
    "position": 1,
    "key": "d",
    "record": b"r",
    "hash": b"h",
    "written_at": 1.0,
}


def first(versions: Path, to: Path) -> Path:
    """Copy only the first revision of a folder."""
    to.mkdir(parents=True)
    (only,) = versions.glob("*_0001.py")
    shutil.copy(only, to)
    return to


def indexes(store: Store) -> set[str | None]:
    return {index["name"] for index in sa.inspect(store.engine).get_indexes("outbox")}


def rows(tx: Transaction) -> list[tuple[object, ...]]:
    return [tuple(row) for row in tx.execute(sa.select(outbox))]


@pytest.mark.parametrize("service", ["court_bridge", "police_bridge", "petition_bridge"])
def test_a_store_of_the_first_release_keeps_its_rows(
    service: str, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = SERVICES / service / "adapters" / "migrations" / "versions"
    kernel = tmp_path / "kernel"
    shutil.copytree(migrating.MIGRATIONS, kernel, ignore=shutil.ignore_patterns("versions", "__pycache__"))
    first(migrating.MIGRATIONS / "versions", kernel / "versions")
    store = Store(store_url)
    try:
        with monkeypatch.context() as then:
            then.setattr(migrating, "MIGRATIONS", kernel)
            migrating.migrate(store, first(versions, tmp_path / "versions"))
        store.write_blocking(lambda tx: tx.execute(sa.insert(outbox), ROW))
        before = store.read_blocking(rows)
        assert "outbox_key" in indexes(store)
        assert not sa.inspect(store.engine).has_table(relay_worker.name)

        migrating.migrate(store, versions)
        assert store.read_blocking(rows) == before
        assert len(before) == 1
        assert "outbox_key" not in indexes(store)
        assert sa.inspect(store.engine).has_table(relay_worker.name)
    finally:
        store.close()
