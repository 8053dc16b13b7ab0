"""How long anything may wait for a store: one place, so that the waits fit into each other.

A caller gives up after `hub.runtime.settings.ServiceSettings.answer_s`. What it waits for ends before that: a lock,
then a statement, then a turn at the writer. A database that is held up is so answered with what it suffers from, and
not with silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONNECT_S: Final = 3
"""For PostgreSQL to take a connection; libpq's, whole seconds."""
SILENT_S: Final = 10
"""After so long without a word from the other side of a connection it counts as broken: a server that lost its power
says nothing, and the kernel alone would wait for a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Bounds of the waits for one store, in seconds; 0 is none.

    Attributes:
        lock_s: For another session's lock: PostgreSQL's `lock_timeout`, SQLite's `busy_timeout`.
        statement_s: Of one statement on PostgreSQL.
        idle_s: Between two statements of a transaction on PostgreSQL: a process that was stopped in the middle of one
            must not hold its locks for ever.
        queue_s: For a turn at the writer. A unit that waited longer is not run: whoever asked has been told to ask
            again, and what nobody waits for must not pile up.
        pool_s: For a free connection.
    """

    lock_s: float
    statement_s: float
    idle_s: float
    queue_s: float
    pool_s: float


SERVING: Final = Waits(lock_s=3.0, statement_s=8.0, idle_s=15.0, queue_s=8.0, pool_s=5.0)
"""Of a running service."""
UPKEEP: Final = Waits(lock_s=30.0, statement_s=0.0, idle_s=0.0, queue_s=0.0, pool_s=30.0)
"""Of migrations, rebuilding, recovery and the operator's commands: they may take long, and nobody waits behind them."""
