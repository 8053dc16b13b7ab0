"""Rewrites an audit as somebody could who can write the whole store."""

from __future__ import annotations

import hashlib
import sqlite3


def forged_from(store: sqlite3.Connection, position: int) -> None:
    """Take an entry out and hash every later one anew, numbers and head too."""
    rows = store.execute(
        "SELECT at, content FROM audit_entry WHERE position > ? ORDER BY position", (position,)
    ).fetchall()
    (running,) = store.execute("SELECT hash FROM audit_entry WHERE position = ?", (position - 1,)).fetchone()
    store.execute("DELETE FROM audit_entry WHERE position >= ?", (position,))
    for number, (at, content) in enumerate(rows, start=position):
        running = hashlib.sha256(bytes(running) + number.to_bytes(8, "big") + bytes(content)).digest()
        store.execute("INSERT INTO audit_entry VALUES (?, ?, ?, ?)", (number, at, content, running))
    store.execute("UPDATE audit_head SET position = ?, hash = ?", (position + len(rows) - 1, running))
