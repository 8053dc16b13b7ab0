"""Bounds of every wait for a store.

They are defined in one place so that they fit each other. A caller gives up after
`hub.runtime.settings.ServiceSettings.answer_s`. What it waits for ends before that: a lock, then a statement, then a
turn at the writer. So the caller of a blocked database learns the cause instead of getting no answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONNECT_S: Final = 3
"""Time for PostgreSQL to accept a connection; libpq's setting, whole seconds."""
SILENT_S: Final = 10
"""A connection counts as broken when its other side was silent for this long: a server that lost its power sends
nothing, and the kernel alone would wait for a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class WaitBounds:
    """Bounds of the waits for one store.

    All are in seconds; 0 means no bound.

    Attributes:
        lock_s: For another session's lock: PostgreSQL's `lock_timeout`, SQLite's `busy_timeout`.
        statement_s: Of one statement on PostgreSQL.
        idle_s: Between two statements of a transaction on PostgreSQL: a process that was stopped in the middle of one
            must not hold its locks for ever.
        queue_s: For a turn at the writer. A unit that waited longer is not run: its caller was asked to retry, and
            units that nobody waits for must not pile up.
        pool_s: For a free connection.
    """

    lock_s: float
    statement_s: float
    idle_s: float
    queue_s: float
    pool_s: float


SERVING: Final = WaitBounds(lock_s=3.0, statement_s=8.0, idle_s=15.0, queue_s=8.0, pool_s=5.0)
"""Of a running service."""
UPKEEP: Final = WaitBounds(lock_s=30.0, statement_s=0.0, idle_s=0.0, queue_s=0.0, pool_s=30.0)
"""Of migrations, rebuilding, recovery and the operator's commands: they may take long, and nothing waits for them."""
