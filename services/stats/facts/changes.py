"""Tells watchers about newly committed counts, at intervals.

Otherwise nobody is woken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from hub.errors import Retryable
from hub.runtime.tasks import end_of, outcome_of
from hub.store.store import Store, Transaction
from services.stats.facts.ports import ChangeSignal

LOOK_S: Final = 1.0
"""How often a watcher's worker checks for commits of other workers; only on PostgreSQL and while somebody watches."""


class StoreChangeSignal(ChangeSignal):
    """Signals counted commits to watchers.

    A part of the service. Changes within `coalesce_s` are signalled as one. With SQLite one process writes, so it sees
    every commit itself and nothing is polled; with PostgreSQL another worker may count into the same store.

    Args:
        store: Its commits are listened to.
        look: Returns a number that grows with every counted event.
        coalesce_s: Longest time between a commit and its signal, at most 0.25 s by contract.
    """

    name = "changes"

    def __init__(self, store: Store, look: Callable[[Transaction], int], *, coalesce_s: float = 0.1) -> None:
        self._store = store
        self._look = look
        self._coalesce_s = coalesce_s
        self._counted = 0
        self._committed = 0
        self._seen = -1
        self._watchers = 0
        self._version = 0
        self._wake = asyncio.Event()
        self._condition = asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        store.on_commit(self._on_commit)

    @property
    @override
    def version(self) -> int:
        return self._version

    @override
    async def after(self, version: int) -> int:
        self._watchers += 1
        try:
            async with self._condition:
                await self._condition.wait_for(lambda: self._version > version)
                return self._version
        finally:
            self._watchers -= 1

    def counted(self) -> None:
        """Note, in the writer thread, that this transaction counted something."""
        self._counted += 1

    def _on_commit(self) -> None:
        if self._counted > self._committed and self._loop is not None:
            self._committed = self._counted
            with contextlib.suppress(RuntimeError):  # the loop is closed: no watcher is left
                self._loop.call_soon_threadsafe(self._wake.set)

    async def start(self) -> None:
        """Follow the commits from now on."""
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Stop signalling."""
        if self._task is not None:
            self._task.cancel()
            await end_of(self._task)

    async def failed(self) -> None:
        """Wait until signalling fails; raise the reason."""
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await outcome_of(self._task)

    async def _run(self) -> None:
        while True:
            own = await self._woken()
            try:
                changed = await self._store.read(self._changed)
            except Retryable as error:
                self._wake.set()
                await asyncio.sleep(error.after_s)
                continue
            if own or changed:
                async with self._condition:
                    self._version += 1
                    self._condition.notify_all()
                await asyncio.sleep(self._coalesce_s)

    async def _woken(self) -> bool:
        """Wait for a reason to read.

        True after an own commit, False when it is time to check for another worker's.
        """
        if self._store.dialect == "sqlite":
            await self._wake.wait()
        while not self._wake.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)
            if self._watchers and not self._wake.is_set():
                return False
        self._wake.clear()
        return True

    def _changed(self, tx: Transaction) -> bool:
        before, self._seen = self._seen, self._look(tx)
        return self._seen != before
