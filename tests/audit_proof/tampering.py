"""Kinds of tampering with an audit, each done to a copy of its store."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from hub.audit.chain import ChainBreak, ChainEnd, verify
from hub.store.snapshots import snapshot
from tests.audit_proof.forging import forged_from

Tamper = Callable[[sqlite3.Connection], object]


def _middle(store: sqlite3.Connection) -> int:
    first, last = store.execute("SELECT min(position), max(position) FROM audit_entry").fetchone()
    return int(first + last) // 2


def _statement(text: str) -> Tamper:
    def tamper(store: sqlite3.Connection) -> object:
        at = _middle(store)
        return store.execute(text, {"at": at, "next": at + 1})

    return tamper


def _swap(store: sqlite3.Connection) -> None:
    at = _middle(store)
    (one,), (other,) = (
        store.execute("SELECT content FROM audit_entry WHERE position = ?", (n,)).fetchone() for n in (at, at + 1)
    )
    for position, content in ((at, other), (at + 1, one)):
        store.execute("UPDATE audit_entry SET content = ? WHERE position = ?", (content, position))


KINDS: Final[Mapping[str, Tamper]] = {
    "content_changed": _statement(
        "UPDATE audit_entry SET content = CAST(replace(content, 'handler-1', 'handler-2') AS BLOB) WHERE position = :at"
    ),
    "content_of_another_kind": _statement("UPDATE audit_entry SET content = 'nothing' WHERE position = :at"),
    "time_changed": _statement("UPDATE audit_entry SET at = at + 1 WHERE position = :at"),
    "entry_missing": _statement("DELETE FROM audit_entry WHERE position = :at"),
    "first_missing": _statement(
        "DELETE FROM audit_entry WHERE position = (SELECT min(position) FROM audit_entry) AND :at"
    ),
    "last_missing": _statement(
        "DELETE FROM audit_entry WHERE position = (SELECT max(position) FROM audit_entry) AND :at"
    ),
    "entry_added": _statement(
        "INSERT INTO audit_entry SELECT max(position) + 1, at, content, hash FROM audit_entry WHERE :at"
    ),
    "entries_swapped": _swap,
    "head_moved_back": _statement(
        "UPDATE audit_head SET position = :at, hash = (SELECT hash FROM audit_entry WHERE position = :at)"
    ),
    "rewritten_from_the_middle": lambda store: forged_from(store, _middle(store)),
}
"""The last one makes the chain whole again: only an end that was written down elsewhere shows it."""


def found(url_of: Path, room: Path, known: ChainEnd) -> dict[str, str]:
    """Return what a verification says of each kind; empty where it saw nothing."""
    said = {}
    for name, tamper in KINDS.items():
        copy = room / f"{name}.db"
        shutil.copy(url_of, copy)
        store = sqlite3.connect(copy)
        with store:
            tamper(store)
        store.close()
        with snapshot(f"sqlite:///{copy}") as tx:
            its = verify(tx, known)
        said[name] = f"{its.why} at {its.position}" if isinstance(its, ChainBreak) else ""
        copy.unlink()
    return said
