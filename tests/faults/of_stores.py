"""Faults of a service's store: locked by somebody else, read-only, and full."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from dispute.contracts.topics import BRIDGES
from ops.run.launcher import SERVICES
from tests.faults import points as at
from tests.faults.scene import NotBitten, Scene

LOCKED_S: Final = 10.0
TABLE_LOCKED_S: Final = 20.0
READ_ONLY_S: Final = 18.0
SETTLED_S: Final = 2.0
"""After this long nothing is still being committed that began before."""
FULL_S: Final = 18.0
MOVES_S: Final = 30.0
TRIES: Final = 5
PLACES: Final = ("stream_head", "stream_lease", "inbox_partition")
NEEDED: Final[Mapping[str, str]] = dict.fromkeys(BRIDGES, "receipt") | {"intake": "dispute", "stats": "cell"}
"""A table that every call of a bridge's partners, or every batch of a reader, writes."""
WAITERS: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted"
PLACE: Final = (
    "SELECT (SELECT coalesce(sum(position), 0) FROM stream_head) "
    "+ (SELECT coalesce(sum(next_offset), 0) FROM inbox_partition)"
)


async def lock(scene: Scene) -> None:
    """Hold the write lock of one service's store for 10 s."""
    service = scene.dice.choice(SERVICES)
    await _hold(scene, service, PLACES, LOCKED_S)


async def lock_tables(scene: Scene) -> None:
    """Hold a table that callers of a bridge need, and one that a reader needs, for 20 s: all are answered in time."""
    patience = scene.load.clients.patience
    patience.longest_s = 0.0
    victims = (scene.dice.choice(BRIDGES), scene.dice.choice(("intake", "stats")))
    struck = [child.label for service in victims for child in scene.rig.hub.of(service)]
    await asyncio.gather(
        *(_hold(scene, service, (NEEDED[service],), TABLE_LOCKED_S) for service in victims),
        scene.lasts(struck, TABLE_LOCKED_S),
    )
    scene.in_time(patience.longest_s)


async def _hold(scene: Scene, service: str, tables: Sequence[str], seconds: float) -> None:
    url = scene.rig.hub.store_url(service)
    if url.startswith("sqlite"):
        waited = await asyncio.to_thread(_lock_sqlite, url, seconds)
    else:
        waited = await asyncio.to_thread(_lock_postgres, url, tables, seconds)
    if not waited:
        raise NotBitten(f"nothing wanted to write to the store of {service}")
    scene.note(f"store of {service} locked for {seconds:.0f} s ({', '.join(tables)}): {waited}")


def _lock_sqlite(url: str, seconds: float) -> str:
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as held:
        held.execute("BEGIN EXCLUSIVE")
        (before,) = held.execute(PLACE).fetchone()
        time.sleep(seconds)
        held.execute("ROLLBACK")
    return _moves_on(url, before)


def _lock_postgres(url: str, tables: Sequence[str], seconds: float) -> str:
    with psycopg.connect(url.replace("+psycopg", "", 1)) as held:
        take_all(held, tables)
        end = time.monotonic() + seconds
        waiters = 0
        while time.monotonic() < end:
            row = held.execute(WAITERS).fetchone()
            waiters = max(waiters, int(row[0]) if row else 0)
            time.sleep(0.1)
        held.rollback()
    return f"{waiters} transactions waited" if waiters else ""


def take_all(held: psycopg.Connection[Any], tables: Sequence[str]) -> None:
    """Lock tables; again when it crossed a writer's locks and PostgreSQL ended us of the two.

    Raises:
        NotBitten: It never came to hold all of it.
    """
    for _ in range(TRIES):
        try:
            held.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE".encode())
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
    await scene.lasts([label], FULL_S)
    points.disarm(at.STORE_FULL)
    hits = points.hits(at.STORE_FULL)
    if not hits:
        raise NotBitten(f"{label} wrote nothing")
    scene.note(f"disk of {label} full for {FULL_S:.0f} s: {hits} writes refused")


async def read_only(scene: Scene) -> None:
    """Turn every store read-only for a while, and back: what a demoted primary does, or a file's owner."""
    book, patience = scene.rig.book, scene.load.clients.patience
    patience.longest_s = 0.0
    postgres = scene.rig.store == "postgres"
    async with _server_read_only(scene.rig.hub.store_url("intake")) if postgres else _files_read_only(scene):
        await asyncio.sleep(SETTLED_S)
        before = len(book)
        await scene.lasts(scene.rig.points, READ_ONLY_S - SETTLED_S)
        given = len(book) - before
    if given:
        scene.problems.append(f"{given} receipts were given while no store could be written")
    scene.in_time(patience.longest_s)

    async def again() -> bool:
        return len(book) > before

    await scene.until("receipts are given again", again, MOVES_S)
    scene.note(f"all stores read-only for {READ_ONLY_S:.0f} s, {patience.repeats} calls repeated so far")


@asynccontextmanager
async def _server_read_only(url: str) -> AsyncIterator[None]:
    def turn(statement: str) -> None:
        # Both statements are allowed whatever the server says of writing.
        with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as told:
            told.execute(statement.encode())
            told.execute("SELECT pg_reload_conf()")

    await asyncio.to_thread(turn, "ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        yield
    finally:
        await asyncio.to_thread(turn, "ALTER SYSTEM RESET default_transaction_read_only")


@asynccontextmanager
async def _files_read_only(scene: Scene) -> AsyncIterator[None]:
    for points in scene.rig.points.values():
        points.arm(at.STORE_READ_ONLY)
    try:
        yield
    finally:
        for points in scene.rig.points.values():
            points.disarm(at.STORE_READ_ONLY)
    idle = [label for label in BRIDGES if not scene.rig.points[label].hits(at.STORE_READ_ONLY)]
    if idle:
        raise NotBitten(f"{', '.join(idle)} wrote nothing")
