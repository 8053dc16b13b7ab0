"""Asks the store every few seconds whether it can be written: an idle service learns it before its callers do."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Final

import sqlalchemy as sa

from hub.errors import Retryable
from hub.runtime.metrics import Metrics
from hub.runtime.tasks import end_of, outcome_of
from hub.store import wal
from hub.store.failures import BUSY
from hub.store.store import Store, Transaction
from hub.store.tables import store_meta

EVERY_S: Final = 2.0
ANSWER_S: Final = 5.0
"""A commit that takes longer is given up."""
SLOW_S: Final = 1.5
"""A commit that is under way for longer counts as none already."""

_TABLES: Final = sa.text(
    "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tableowner = current_user"
)
"""Our own: a table that somebody else put beside them is neither our business nor ours to lock."""


class StoreProbe:
    """Part that writes for the sake of writing, through the queue that everybody's units wait in.

    Each time it is a durable commit, also where others commit: those may write other tables than the one that is
    locked. On SQLite the write-ahead log is looked after as well.

    Args:
        store: The service's.
        url: Its address.
        metrics: Register.
        every_s: Time between two questions.
        answer_s: Bound of one.
    """

    name = "store-probe"

    def __init__(
        self, store: Store, url: str, metrics: Metrics, *, every_s: float = EVERY_S, answer_s: float = ANSWER_S
    ) -> None:
        self._store = store
        self._url = url
        self._metrics = metrics
        self._every_s = every_s
        self._answer_s = answer_s
        self._reason = ""
        self._asked_at: float | None = None
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def trouble(self) -> str:
        """Return why the store can't be written, as a code of `hub.store.failures`; empty while it can."""
        slow = self._asked_at is not None and time.monotonic() - self._asked_at > SLOW_S
        return self._reason or (BUSY.code if slow else "")

    async def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        if self._task is not None:
            await end_of(self._task)

    async def failed(self) -> None:
        """Raise what is no answer of a store: `store_damaged`, or our bug."""
        if self._task is not None:
            await outcome_of(self._task)
        await asyncio.Event().wait()

    async def ask(self) -> None:
        """Ask once and remember the answer."""
        self._asked_at = time.monotonic()
        try:
            async with asyncio.timeout(self._answer_s):
                await self._store.write(write_nothing)
        except TimeoutError:
            self._reason = BUSY.code
        except Retryable as error:
            self._reason = error.code
        else:
            self._reason = ""
        finally:
            self._asked_at = None

    async def _run(self) -> None:
        while not self._stopped.is_set():
            await self.ask()
            self._metrics.set("hub_store_wal_bytes", await asyncio.to_thread(wal.shorten, self._url))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), self._every_s)


def write_nothing(tx: Transaction) -> None:
    """Write what leaves no trace: a commit with everything that belongs to one.

    On PostgreSQL every table's lock that a writer takes is asked for, and not waited for: the writer has other work.
    """
    if tx.dialect.name == "postgresql":
        quote = tx.dialect.identifier_preparer.quote
        tables = ", ".join(sorted(quote(name) for name in tx.scalars(_TABLES)))
        if tables:
            tx.exec_driver_sql(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE NOWAIT")
    # A name of its own: two workers of one store must not wait for each other.
    name = f"probe {secrets.token_hex(8)}"
    tx.execute(sa.insert(store_meta).values(name=name, value=""))
    tx.execute(sa.delete(store_meta).where(store_meta.c.name == name))
