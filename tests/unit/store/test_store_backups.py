"""A backup is one snapshot of a store in use, knows that it is one, and replaces a store whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL, TOPICS
from hub.errors import Fault, Rejected
from hub.store.backups import backup, restore, taken_at
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.store.tables import outbox as rows
from hub.streams.heads import HeadGuard
from hub.streams.memory import MemoryBus
from hub.streams.memory_log import MemoryLog
from hub.streams.outbox import Entry, Outbox
from hub.streams.recovery import recover

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)


def opened(file: Path) -> tuple[Store, Outbox]:
    store = Store(f"sqlite:///{file}")
    migrate(store)
    return store, Outbox(JOURNAL, "intake")


def count(store: Store) -> int:
    return store.read_blocking(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(rows))) or 0


def test_a_store_in_use_is_copied_and_put_back(tmp_path: Path) -> None:
    file, copy = tmp_path / "intake.db", tmp_path / "backups" / "one.db"
    store, outbox = opened(file)
    store.write_blocking(outbox.open)
    store.write_blocking(lambda tx: outbox.append(tx, [Entry("a", b"1")]))
    assert backup(f"sqlite:///{file}", copy, AT) == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    store.write_blocking(lambda tx: outbox.append(tx, [Entry("a", b"2")]))
    with pytest.raises(Rejected, match="file_exists"):
        backup(f"sqlite:///{file}", copy, AT)
    # As after a kill -9: the write-ahead log still holds what was committed last.
    wal = Path(f"{file}-wal").read_bytes()
    store.close()
    Path(f"{file}-wal").write_bytes(wal)
    aside = restore(f"sqlite:///{file}", copy, AT)
    assert aside is not None
    assert Path(f"{aside}-wal").exists()
    assert not Path(f"{file}-wal").exists()
    store, outbox = opened(file)
    try:
        assert count(store) == 1
        assert store.read_blocking(taken_at) == "2026-11-21T08:00:00+00:00"
        bus = MemoryBus(TOPICS)
        with pytest.raises(Fault, match="store_restored: this is the backup of 2026-11-21"):
            HeadGuard(store, outbox, lambda: MemoryLog(bus), partitions=bus.partitions).check()
        recover(store, outbox, MemoryLog(bus), key_of=lambda _: "a", adopt=lambda _tx, _records: None)
        HeadGuard(store, outbox, lambda: MemoryLog(bus), partitions=bus.partitions).check()
    finally:
        store.close()


def test_a_store_that_publishes_nothing_is_not_marked(tmp_path: Path) -> None:
    store, _ = opened(tmp_path / "stats.db")
    store.close()
    backup(f"sqlite:///{tmp_path / 'stats.db'}", tmp_path / "copy.db", AT)
    assert restore(f"sqlite:///{tmp_path / 'new' / 'stats.db'}", tmp_path / "copy.db", AT) is None
    store, _ = opened(tmp_path / "new" / "stats.db")
    try:
        assert store.read_blocking(taken_at) is None
    finally:
        store.close()


def test_what_can_not_be_done_is_said(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="pg_dump"):
        backup("postgresql+psycopg://h/intake", tmp_path / "x", AT)
    with pytest.raises(Rejected, match="no_store"):
        backup(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "x", AT)
    with pytest.raises(Rejected, match="no_backup"):
        restore(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "none", AT)
    assert not (tmp_path / "x").exists()
