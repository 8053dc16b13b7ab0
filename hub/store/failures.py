"""Classifies the errors of a database.

An error means "not now", a damaged store, or our bug. There is one table for each driver; error texts are not parsed.

A failed commit may have been written all the same: a connection that broke at COMMIT, or an fsync that failed, leaves
the outcome unknown. So a refusal of a store says "retry", never "nothing was written"; a caller that retries with
the same key is given the same receipt.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import exc

from hub.errors import Bug, Code, Fault, Refusal, Refused
from hub.refusals import STORE_BUSY, STORE_FULL, STORE_LOCKED, STORE_READ_ONLY, STORE_UNAVAILABLE


class StoreFailure(NamedTuple):
    """A reason why a store can't serve now.

    Attributes:
        code: Health and the runbook know it.
        after_s: Seconds to wait before the next try.
        spent: Whether the session must be discarded: only a new one sees the new state of the server or the file.
    """

    code: Code
    after_s: float
    spent: bool = False

    def refusal(self) -> Refusal:
        """Return what its callers are told."""
        return self.code.refusal(after_s=self.after_s)


FULL: Final = StoreFailure(STORE_FULL, 5.0)
READ_ONLY: Final = StoreFailure(STORE_READ_ONLY, 2.0, spent=True)
LOCKED: Final = StoreFailure(STORE_LOCKED, 1.0)
BUSY: Final = StoreFailure(STORE_BUSY, 1.0)
AWAY: Final = StoreFailure(STORE_UNAVAILABLE, 0.5, spent=True)

SQLSTATES: Final[Mapping[str, StoreFailure]] = {
    "08": AWAY,  # connection
    "25006": READ_ONLY,  # a demoted primary, or a managed instance whose disk is full
    "25P03": AWAY,  # the session was idle in a transaction for too long: this process had been stopped
    "25P04": BUSY,  # transaction_timeout
    "40": BUSY,  # rolled back: serialization, deadlock; 40003: outcome unknown
    "53": BUSY,  # resources: memory, connections
    "53100": FULL,
    "55": LOCKED,  # 55P03: lock_timeout
    "57": AWAY,  # the server is stopped, starting or recovering
    "57014": BUSY,  # statement_timeout
    "58": AWAY,  # the server's disk or system
}
"""By SQLSTATE or by its class, the longer first. Other errors of class 25 are our bug: wrong order of statements."""

SQLITE_CODES: Final[Mapping[int, StoreFailure]] = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_NOMEM: BUSY,
    sqlite3.SQLITE_INTERRUPT: BUSY,
    sqlite3.SQLITE_IOERR: AWAY,
    sqlite3.SQLITE_CANTOPEN: AWAY,
    sqlite3.SQLITE_PERM: AWAY,
}
"""By primary result code; the extended codes say only where the error occurred."""

DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY: Final = 0xFF
_CLASS: Final = 2


def translate(error: Exception) -> Refusal | Bug:
    """Return the meaning of an error in a transaction.

    That is a refusal, raised in it or by a database that can't serve now, or else damage (a `Fault`) or our bug.
    """
    if isinstance(error, Refused):
        return error.refusal
    origin = _origin(error)
    if isinstance(origin, sqlite3.Error) and _primary(origin) in DAMAGED:
        return Bug(Fault("store_damaged", f"SQLite says {origin.sqlite_errorname}: put back a backup"))
    not_now = judge(error)
    return Bug(error) if not_now is None else not_now.refusal()


def judge(error: BaseException) -> StoreFailure | None:
    """Return the table row of an error.

    None for an error that is our bug.
    """
    origin = _origin(error)
    if isinstance(origin, sqlite3.Error):
        known = SQLITE_CODES.get(_primary(origin))
    else:
        # psycopg isn't imported for this: a service on SQLite has no use for it.
        known = _of_sqlstate(getattr(origin, "sqlstate", None))
    return known or _of_connection(error, origin)


def _of_sqlstate(state: str | None) -> StoreFailure | None:
    return None if state is None else SQLSTATES.get(state) or SQLSTATES.get(state[:_CLASS])


def _of_connection(error: BaseException, origin: object) -> StoreFailure | None:
    """Judge an error without a code, of a connection's client side."""
    if isinstance(error, exc.TimeoutError):
        return BUSY  # every connection of the pool is in use
    if isinstance(error, exc.PendingRollbackError):
        return AWAY  # a statement after the one at which the connection broke
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return AWAY
    # psycopg reports a refused, broken or timed-out connection without a SQLSTATE; SQLite's errors have their code.
    unnamed = isinstance(error, exc.OperationalError) and getattr(origin, "sqlstate", "") is None
    return AWAY if unnamed else None


def _origin(error: BaseException) -> object:
    return error.orig if isinstance(error, exc.DBAPIError) else error


def _primary(error: sqlite3.Error) -> int:
    # Errors of the Python module itself (a misuse) carry no code.
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY
