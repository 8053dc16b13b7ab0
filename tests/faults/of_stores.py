"""Faults of a service's store: locked by somebody else, and full."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from ops.launcher import SERVICES
from tests.faults import points as at
from tests.faults.scene import NotBitten, Scene

LOCKED_S: Final = 10.0
FULL_S: Final = 4.0
MOVES_S: Final = 30.0
TRIES: Final = 5
LOCK: Final = "LOCK TABLE stream_head, stream_lease, inbox_partition IN ACCESS EXCLUSIVE MODE"
WAITERS: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted"
PLACE: Final = (
    "SELECT (SELECT coalesce(sum(position), 0) FROM stream_head) "
    "+ (SELECT coalesce(sum(next_offset), 0) FROM inbox_partition)"
)


async def lock(scene: Scene) -> None:
    """Hold the write lock of one service's store for 10 s."""
    service = scene.dice.choice(SERVICES)
    url = scene.rig.hub.store_url(service)
    hold = _lock_sqlite if url.startswith("sqlite") else _lock_postgres
    waited = await asyncio.to_thread(hold, url)
    if not waited:
        raise NotBitten(f"nothing wanted to write to the store of {service}")
    scene.note(f"store of {service} locked for {LOCKED_S:.0f} s: {waited}")


def _lock_sqlite(url: str) -> str:
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as held:
        held.execute("BEGIN IMMEDIATE")
        (before,) = held.execute(PLACE).fetchone()
        time.sleep(LOCKED_S)
        held.execute("ROLLBACK")
    return _moves_on(url, before)


def _lock_postgres(url: str) -> str:
    with psycopg.connect(url.replace("+psycopg", "", 1)) as held:
        take_all(held)
        end = time.monotonic() + LOCKED_S
        waiters = 0
        while time.monotonic() < end:
            row = held.execute(WAITERS).fetchone()
            waiters = max(waiters, int(row[0]) if row else 0)
            time.sleep(0.1)
        held.rollback()
    return f"{waiters} transactions waited" if waiters else ""


def take_all(held: psycopg.Connection[Any]) -> None:
    """Take the lock; again when it crossed a writer's locks and PostgreSQL ended us of the two.

    Raises:
        NotBitten: It never came to hold all of it.
    """
    for _ in range(TRIES):
        try:
            held.execute(LOCK)
        except psycopg.errors.DeadlockDetected:
            held.rollback()
        else:
            return
    raise NotBitten(f"the lock crossed a writer's {TRIES} times")


def _moves_on(url: str, before: int) -> str:
    """Return how far the store's places moved on once it was free: what waited was really held up."""
    engine = sa.create_engine(url)
    try:
        end = time.monotonic() + MOVES_S
        while time.monotonic() < end:
            with engine.connect() as connection:
                now = connection.scalar(sa.text(PLACE)) or 0
            if now > before:
                return f"moved on by {now - before} afterwards"
            time.sleep(0.05)
    finally:
        engine.dispose()
    return ""


async def full(scene: Scene) -> None:
    """Let every write to one store fail as on a full disk, for some seconds."""
    label = scene.worker_of(scene.dice.choice(SERVICES))
    points = scene.rig.points[label]
    points.arm(at.STORE_FULL, until=time.time() + FULL_S)
    await asyncio.sleep(FULL_S)
    points.disarm(at.STORE_FULL)
    hits = points.hits(at.STORE_FULL)
    if not hits:
        raise NotBitten(f"{label} wrote nothing")
    scene.note(f"disk of {label} full for {FULL_S:.0f} s: {hits} writes refused")
