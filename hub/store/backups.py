"""Makes and restores backups of a SQLite store.

A backup can be made while the store is in use, and is marked as a backup.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from hub.refusals import BACKUP_DAMAGED, FILE_EXISTS, NO_BACKUP, NO_STORE, NOT_SQLITE
from hub.store.store import Transaction
from hub.store.tables import store_meta, stream_head

MARK: Final = "backup_taken_at"
SIDE_FILES: Final = ("", "-wal", "-shm")
"""The three move together: a write-ahead log that belongs to another file would damage a restored store."""


def backup(url: str, to: Path, at: datetime) -> int:
    """Copy a store, as one snapshot.

    The store may be in use. The copy of a store that publishes is marked: it must be recovered before anything is
    written to it.

    Returns:
        Bytes of the copy.

    Raises:
        Rejected: `not_sqlite` with PostgreSQL's own command; `file_exists`, `no_store`.
    """
    file = _file(url)
    if not file.is_file():
        raise NO_STORE.error(why=file)
    if to.exists():
        raise FILE_EXISTS.error(why=to)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        if copy.execute(f"SELECT 1 FROM {stream_head.name} LIMIT 1").fetchone():  # noqa: S608 - our own table's name
            copy.execute(
                f"INSERT OR REPLACE INTO {store_meta.name} (name, value) VALUES (?, ?)",  # noqa: S608 - as above
                (MARK, at.astimezone(UTC).isoformat(timespec="seconds")),
            )
            copy.commit()
        copy.execute("PRAGMA journal_mode=DELETE")
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BACKUP_DAMAGED.error(why=to)
    return to.stat().st_size


def restore(url: str, source: Path, at: datetime) -> Path | None:
    """Put a backup in the store's place.

    The former store is moved aside, never deleted.

    Returns:
        Where the former store is now; None when there was none.

    Raises:
        Rejected: `not_sqlite`, `no_backup`.
    """
    file = _file(url)
    if not source.is_file():
        raise NO_BACKUP.error(why=source)
    aside = file.with_name(f"{file.name}.replaced-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    moved = False
    for suffix in SIDE_FILES:
        old = Path(f"{file}{suffix}")
        if old.exists():
            old.rename(f"{aside}{suffix}")
            moved = True
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    with closing(sqlite3.connect(source)) as backed, closing(sqlite3.connect(file)) as store:
        backed.backup(store)
    return aside if moved else None


def taken_at(tx: Transaction) -> str | None:
    """Return when this restored store's backup was taken.

    None once the store was recovered.
    """
    return tx.scalar(sa.select(store_meta.c.value).where(store_meta.c.name == MARK))


def forget_backup(tx: Transaction) -> None:
    """Mark the store as recovered.

    It has caught up with what it had published.
    """
    tx.execute(sa.delete(store_meta).where(store_meta.c.name == MARK))


def _file(url: str) -> Path:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise NOT_SQLITE.error()
    return Path(parsed.database)
