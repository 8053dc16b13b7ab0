"""Checks every few seconds that the store is writable.

So an idle service notices trouble before its callers do.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Final

import sqlalchemy as sa
from typing_extensions import override

from hub.errors import Retryable
from hub.refusals import STORE_BUSY
from hub.runtime.metrics import Metrics
from hub.runtime.periodic import Periodic
from hub.store import wal
from hub.store.store import Store, Transaction
from hub.store.tables import store_meta

EVERY_S: Final = 2.0
ANSWER_S: Final = 5.0
"""A commit that takes longer is given up."""
SLOW_S: Final = 1.5
"""A commit that has run for longer already counts as failed."""

_TABLES: Final = sa.text(
    "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tableowner = current_user"
)
"""Our own tables: a table that somebody else put beside them is not ours to lock."""


class StoreProbe(Periodic):
    """Writes test commits through the writer's queue, as a part.

    Every write is a durable commit, also while others commit: those may write other tables than a locked one. On SQLite
    the write-ahead log is shortened as well.

    Args:
        store: The service's.
        url: Its address.
        metrics: Register.
        every_s: Time between two probes.
        answer_s: Bound of one.
    """

    name = "store-probe"

    def __init__(
        self, store: Store, url: str, metrics: Metrics, *, every_s: float = EVERY_S, answer_s: float = ANSWER_S
    ) -> None:
        super().__init__()
        self._store = store
        self._url = url
        self._metrics = metrics
        self._every_s = every_s
        self._answer_s = answer_s
        self._reason = ""
        self._asked_at: float | None = None

    def trouble(self) -> str:
        """Return why the store can't be written.

        A code of the store; empty while it can be written.
        """
        slow = self._asked_at is not None and time.monotonic() - self._asked_at > SLOW_S
        return self._reason or (STORE_BUSY.name if slow else "")

    async def ask(self) -> None:
        """Probe once and remember the outcome."""
        self._asked_at = time.monotonic()
        try:
            async with asyncio.timeout(self._answer_s):
                await self._store.write(write_nothing)
        except TimeoutError:
            self._reason = STORE_BUSY.name
        except Retryable as error:
            self._reason = error.code
        else:
            self._reason = ""
        finally:
            self._asked_at = None

    @override
    async def step(self) -> float:
        """Probe once and shorten the log of the store."""
        await self.ask()
        self._metrics.set("hub_store_wal_bytes", await asyncio.to_thread(wal.shorten, self._url))
        return self._every_s


def write_nothing(tx: Transaction) -> None:
    """Make a full commit that leaves no trace.

    On PostgreSQL it asks for the lock of every table that a writer takes, without waiting: the writer has other work.
    """
    if tx.dialect.name == "postgresql":
        quote = tx.dialect.identifier_preparer.quote
        tables = ", ".join(sorted(quote(name) for name in tx.scalars(_TABLES)))
        if tables:
            tx.exec_driver_sql(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE NOWAIT")
    # A unique name: two workers of one store must not wait for each other.
    name = f"probe {secrets.token_hex(8)}"
    tx.execute(sa.insert(store_meta).values(name=name, value=""))
    tx.execute(sa.delete(store_meta).where(store_meta.c.name == name))
