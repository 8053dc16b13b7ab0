"""The database of one service.

One writer thread commits in groups, and reader threads read snapshots.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

import sqlalchemy as sa

from hub.errors import Bug, Refusal
from hub.refusals import STORE_CLOSED
from hub.store import engines
from hub.store.failures import BUSY, translate
from hub.store.waits import SERVING, WaitBounds

T = TypeVar("T")
Transaction = sa.Connection
Unit = Callable[[Transaction], T]

READERS: Final = 4
SHARED: Final = {"sqlite": 64, "postgresql": 1}
"""Units that may share one commit.

On SQLite an fsync is the cost and there is one writer, so sharing wins. On PostgreSQL two units in one transaction
could take shard locks out of order and deadlock with another worker, so each unit commits alone.
"""


@dataclass(frozen=True, slots=True)
class _Job:
    unit: Unit[Any]
    future: Future[Any]
    since: float


class Store:
    """Durable state of one service.

    A *unit* is a function of a transaction. It may be run again when its first run was rolled back, so it keeps no
    effect outside the transaction. `write` returns after the commit was flushed to disk.

    Args:
        url: SQLAlchemy's.
        waits: Bounds of all waits.
    """

    def __init__(self, url: str, waits: WaitBounds = SERVING) -> None:
        self._queue_s = waits.queue_s
        self._writer = engines.writer_engine(url, waits)
        self._reader = engines.reader_engine(url, waits, READERS)
        self.dialect = cast("Literal['sqlite', 'postgresql']", self._writer.dialect.name)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._listeners: list[Callable[[], None]] = []
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="store-write", daemon=True)
        self._thread.start()

    @property
    def engine(self) -> sa.Engine:
        """Engine of the writer; for migrations only."""
        return self._writer

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` on the writer thread.

        Returns its result after the durable commit. If a caller is cancelled before its turn, its unit is not run.

        Raises:
            Retryable: The store can't serve now. Mostly nothing was written; where the connection broke at the
                commit nobody knows, so what is tried again must be recognised (same key, same place, same fence).
            Fault: `store_damaged`.
            Exception: What the unit raised; nothing of this unit was written.
        """
        return await asyncio.wrap_future(self.submit(unit))

    def write_blocking(self, unit: Unit[T]) -> T:
        """As `write`, for threads."""
        return self.submit(unit).result()

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` in a snapshot on a reader thread.

        The snapshot is read-only.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_blocking, unit)

    def read_blocking(self, unit: Unit[T]) -> T:
        """As `read`, in the calling thread."""
        try:
            with self._reader.begin() as tx:
                return unit(tx)
        except Exception as error:
            raise translate(error).error() from error

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each commit.

        It is called on the writer thread and must return at once.
        """
        self._listeners.append(listener)

    def close(self) -> None:
        """Finish the waiting units and close every connection."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        self._threads.shutdown()
        self._writer.dispose()
        self._reader.dispose()

    def submit(self, unit: Unit[T]) -> Future[T]:
        """As `write`, without waiting.

        The future is done after the commit.
        """
        if self._closed:
            raise STORE_CLOSED.error()
        future: Future[T] = Future()
        self._jobs.put(_Job(unit, future, time.monotonic()))
        return future

    def _work(self) -> None:
        share = SHARED[self.dialect]
        while True:
            job = self._jobs.get()
            if job is None:
                return
            jobs = [job]
            with contextlib.suppress(queue.Empty):
                while len(jobs) < share:
                    following = self._jobs.get_nowait()
                    if following is None:
                        self._jobs.put(None)
                        break
                    jobs.append(following)
            self._commit([job for job in jobs if job.future.set_running_or_notify_cancel() and self._in_time(job)])

    def _in_time(self, job: _Job) -> bool:
        """Return whether a unit's turn came in time.

        A unit that is late is not run, and its caller gets an error.
        """
        if not self._queue_s or time.monotonic() - job.since <= self._queue_s:
            return True
        job.future.set_exception(BUSY.refusal().error())
        return False

    def _commit(self, jobs: Sequence[_Job]) -> None:
        try:
            if len(jobs) == 1:
                self._commit_alone(jobs[0])
            elif jobs and not self._commit_together(jobs):
                # The shared commit failed for what the units wrote: run each unit alone to find which one is at fault.
                for job in jobs:
                    self._commit_alone(job)
        except BaseException as error:  # noqa: BLE001 - a listener's bug reaches the callers; a dead writer reports none
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(error)

    def _commit_alone(self, job: _Job) -> None:
        try:
            with self._writer.begin() as tx:
                result = job.unit(tx)
        except Exception as error:  # noqa: BLE001 - handed to the caller, who owns it
            job.future.set_exception(translate(error).error())
            return
        self._notify()
        job.future.set_result(result)

    def _commit_together(self, jobs: Sequence[_Job]) -> bool:
        try:
            with self._writer.begin() as tx:
                outcomes = [self._in_savepoint(tx, job.unit) for job in jobs]
        except Exception as error:  # noqa: BLE001 - handed to the callers, or each unit gets its own
            refusal = translate(error)
            if not isinstance(refusal, Refusal) or refusal.is_final:
                return False
            # The store can't serve now: a retry of each unit would wait for the same lock each time.
            for job in jobs:
                job.future.set_exception(refusal.error())
            return True
        self._notify()
        for job, (result, failure) in zip(jobs, outcomes, strict=True):
            if failure is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(failure.error())
        return True

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()

    @staticmethod
    def _in_savepoint(tx: Transaction, unit: Unit[T]) -> tuple[T | None, Refusal | Bug | None]:
        try:
            with tx.begin_nested():
                return unit(tx), None
        except Exception as error:  # noqa: BLE001 - handed to the caller of this unit
            return None, translate(error)
