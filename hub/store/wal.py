"""Measures and shortens SQLite's write-ahead log.

Each commit lengthens it; a commit that finds 4,000 pages copies them into the database, and the log begins anew, unless
a reader still uses an older state. So a backup, an operator's shell or an export that stays in one transaction makes
the log grow for as long as it lasts; this module shrinks the file again afterwards.
"""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from hub.store.engines import WAL_KEEP_BYTES

_SUFFIX: Final = "-wal"


def size(url: str) -> int:
    """Return the bytes of the log's file.

    0 when there is none, and on PostgreSQL, which manages its log itself.
    """
    file = _file(url)
    if file is None:
        return 0
    try:
        return Path(f"{file}{_SUFFIX}").stat().st_size
    except FileNotFoundError:
        return 0


def shorten(url: str) -> int:
    """Cut the file when it exceeds `WAL_KEEP_BYTES`.

    It waits for nobody: while an old reader or a commit is in progress it does what it can, and is called again.

    Returns:
        Bytes of the file afterwards.
    """
    file, grown = _file(url), size(url)
    if file is None or grown <= WAL_KEEP_BYTES:
        return grown
    with (
        contextlib.suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=0)) as connection,
    ):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return size(url)


def _file(url: str) -> Path | None:
    parsed = sa.make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
