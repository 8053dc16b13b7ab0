"""A snapshot of a store reads one moment, takes no writes, and leaves the file as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.errors import Refused
from hub.store.snapshots import snapshot
from hub.store.store import Store
from hub.store.tables import store_meta

ONE = sa.insert(store_meta).values(name="one", value="1")
NAMES = sa.select(store_meta.c.name)


def test_it_shows_one_moment_while_the_store_is_written(store: Store, store_url: str) -> None:
    with snapshot(store_url) as tx:
        before = set(tx.scalars(NAMES))
        store.write_blocking(lambda writing: writing.execute(ONE))
        assert set(tx.scalars(NAMES)) == before
    with snapshot(store_url) as tx:
        assert set(tx.scalars(NAMES)) == before | {"one"}


def test_it_takes_no_writes(store: Store, store_url: str) -> None:
    with pytest.raises(Refused), snapshot(store_url) as tx:
        tx.execute(ONE)
    assert "one" not in store.read_blocking(lambda reading: set(reading.scalars(NAMES)))


def test_an_unread_log_is_not_copied_into_the_file(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    writer = sa.create_engine(f"sqlite:///{file}", poolclass=sa.pool.NullPool)
    with writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("CREATE TABLE t (a)")
        connection.commit()
        before = file.read_bytes()
        with snapshot(f"sqlite:///{file}") as tx:
            assert tx.scalar(sa.text("SELECT count(*) FROM t")) == 0
        assert file.read_bytes() == before
    writer.dispose()


def test_an_unknown_kind_of_store_is_refused() -> None:
    with pytest.raises(Refused, match="unknown_store"), snapshot("mysql://x/y"):
        pass
