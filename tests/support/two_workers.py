"""Two workers on one store, of which the second comes to a lock that the first holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from hub.store.store import Store, Transaction
from tests.support.journals import until

T = TypeVar("T")


async def in_turn(
    one: Store, two: Store, first: Callable[[Transaction], T], second: Callable[[Transaction], T]
) -> tuple[T, T]:
    """Hold the first before its commit until the second stands before its lock; return what both gave."""
    locked, go_on = threading.Event(), threading.Event()

    def held(tx: Transaction) -> T:
        given = first(tx)
        locked.set()
        assert go_on.wait(20)
        return given

    earlier = one.submit(held)
    assert locked.wait(20)
    later = two.submit(second)

    async def is_waiting() -> bool:
        # SQLite lets the second not even begin.
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return one.dialect == "sqlite" or bool(await one.read(lambda tx: tx.scalar(waiting)))

    try:
        await until(is_waiting)
        assert not later.done()
    finally:
        go_on.set()
    return earlier.result(20), later.result(20)
