"""The store's contract, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.errors import Bug, Refusal, Rejected, Retryable
from hub.store import batcher as batching
from hub.store.batcher import Batcher
from hub.store.store import Store, Transaction
from hub.store.tables import kernel_metadata, store_meta
from tests.support.stores import OpenStore

INSERT = sa.insert(store_meta)


def put(name: str, value: str = "x") -> Callable[[Transaction], object]:
    return lambda tx: tx.execute(INSERT, {"name": name, "value": value})


def names(tx: Transaction) -> set[str]:
    return set(tx.scalars(sa.select(store_meta.c.name)))


async def test_a_unit_is_durable_when_write_returns(store: Store, open_store: OpenStore) -> None:
    await store.write(put("a"))
    assert await open_store().read(names) == {"a"}


async def test_a_unit_that_raises_leaves_nothing_and_spares_its_neighbours(store: Store) -> None:
    gate = threading.Event()

    def slow(tx: Transaction) -> None:
        gate.wait(10)
        put("slow")(tx)

    def bad(tx: Transaction) -> None:
        put("bad")(tx)
        raise Refusal("not_good").error()

    # While the first unit holds the writer, the others queue up and share one commit.
    waiting = [asyncio.create_task(store.write(unit)) for unit in (slow, put("left"), bad, put("right"))]
    await asyncio.sleep(0)
    gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(outcomes[2], Rejected)
    assert await store.read(names) == {"slow", "left", "right"}


async def test_a_read_is_one_snapshot(store: Store) -> None:
    await store.write(put("before"))
    between = threading.Event()
    go_on = threading.Event()

    def look_twice(tx: Transaction) -> tuple[set[str], set[str]]:
        first = names(tx)
        between.set()
        assert go_on.wait(10)
        return first, names(tx)

    reading = asyncio.create_task(store.read(look_twice))
    await asyncio.get_running_loop().run_in_executor(None, between.wait, 10)
    await store.write(put("after"))
    go_on.set()
    first, second = await reading
    assert first == second == {"before"}


async def test_listeners_hear_of_a_commit(store: Store) -> None:
    heard = threading.Event()
    store.on_commit(heard.set)
    await store.write(put("a"))
    assert heard.is_set()


async def test_a_closed_store_refuses(store: Store) -> None:
    store.close()
    with pytest.raises(Retryable, match="store_closed"):
        await store.write(put("late"))


async def test_the_migrations_make_the_tables_of_the_code(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [
            difference
            for difference in compare_metadata(context, kernel_metadata)
            if difference[0] != "remove_table" or difference[1].name != "alembic_version"
        ]
    assert differences == []


async def test_waiting_items_become_one_call(store: Store) -> None:
    calls: list[int] = []

    def unit(tx: Transaction, items: Sequence[int]) -> list[int | Refusal | Bug]:
        calls.append(len(items))
        tx.execute(INSERT, [{"name": f"n{item}", "value": "x"} for item in items])
        return [item * 2 for item in items]

    batcher = Batcher(store, unit, limit=50)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(120))) == [n * 2 for n in range(120)]
    assert sum(calls) == 120
    assert len(calls) < 10
    assert max(calls) <= 50


async def test_one_item_s_error_is_its_own(store: Store) -> None:
    def unit(_tx: Transaction, items: Sequence[int]) -> list[int | Refusal | Bug]:
        return [Refusal("odd") if item % 2 else item for item in items]

    batcher = Batcher(store, unit)
    outcomes = await batcher.submit_all([1, 2, 3, 4])
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [True, False, True, False]
    with pytest.raises(Rejected, match="odd"):
        await batcher.submit(5)


async def test_a_batch_beyond_the_limit_is_answered_whole_and_in_order(store: Store) -> None:
    calls: list[int] = []

    def unit(_tx: Transaction, items: Sequence[int]) -> list[int | Refusal | Bug]:
        calls.append(len(items))
        return [item * 2 for item in items]

    batcher = Batcher(store, unit, limit=50)
    one, many, none = await asyncio.gather(
        batcher.submit(7), batcher.submit_all(list(range(120))), batcher.submit_all([])
    )
    assert (one, list(many), list(none)) == (14, [n * 2 for n in range(120)], [])
    assert sum(calls) == 121
    assert max(calls) <= 50


async def test_a_caller_that_went_away_before_its_turn_is_not_applied(store: Store) -> None:
    applied: list[str] = []
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def unit(_tx: Transaction, items: Sequence[str]) -> list[str | Refusal | Bug]:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        applied.extend(items)
        return list(items)

    batcher = Batcher(store, unit)
    first = asyncio.create_task(batcher.submit("first"))
    await begun.wait()
    gone, stays = asyncio.create_task(batcher.submit("gone")), asyncio.create_task(batcher.submit("stays"))
    await asyncio.sleep(0)
    gone.cancel()
    go_on.set()
    assert [await first, await stays] == ["first", "stays"]
    assert applied == ["first", "stays"]


async def test_a_unit_that_dies_fails_all_its_items_and_the_next_go_on(store: Store) -> None:
    dead = True

    def unit(tx: Transaction, items: Sequence[str]) -> list[str | Refusal | Bug]:
        tx.execute(INSERT, [{"name": item, "value": "x"} for item in items])
        if dead:
            raise ZeroDivisionError
        return list(items)

    batcher = Batcher(store, unit)
    outcomes = await batcher.submit_all(["a", "b"])
    assert all(isinstance(outcome, Bug) and isinstance(outcome.exception, ZeroDivisionError) for outcome in outcomes)
    dead = False
    assert await batcher.submit("c") == "c"
    assert await store.read(names) == {"c"}


@pytest.fixture
def gathers(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Batcher[int, int], list[int]]]:
    """Builds a batcher with its own pause; gives the sizes of its commits too."""

    def build(gather_s: float, *, limit: int = 512) -> tuple[Batcher[int, int], list[int]]:
        monkeypatch.setattr(batching, "GATHER_S", gather_s)
        sizes: list[int] = []

        def unit(_tx: Transaction, items: Sequence[int]) -> list[int | Refusal | Bug]:
            sizes.append(len(items))
            return list(items)

        return Batcher(store, unit, limit=limit), sizes

    return build


async def test_callers_beside_each_other_wait_for_more_to_share_the_commit(
    gathers: Callable[..., tuple[Batcher[int, int], list[int]]],
) -> None:
    batcher, sizes = gathers(2.0)
    await batcher.submit(1)
    early = [asyncio.create_task(batcher.submit(n)) for n in (2, 3)]
    await asyncio.sleep(0.1)  # long enough for a commit, were it not for the pause
    await asyncio.gather(*early, batcher.submit(4))
    assert sizes == [1, 3]


async def test_a_caller_that_is_alone_never_waits(
    gathers: Callable[..., tuple[Batcher[int, int], list[int]]],
) -> None:
    batcher, sizes = gathers(60.0)
    for n in range(5):
        assert await asyncio.wait_for(batcher.submit(n), 10) == n
    assert sizes == [1] * 5


async def test_a_full_commit_waits_for_nobody(gathers: Callable[..., tuple[Batcher[int, int], list[int]]]) -> None:
    batcher, sizes = gathers(60.0, limit=2)
    assert await asyncio.wait_for(asyncio.gather(*(batcher.submit(n) for n in range(4))), 10) == [0, 1, 2, 3]
    assert sizes == [2, 2]


def test_sqlite_flushes_every_commit(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    try:
        with store.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    finally:
        store.close()


@pytest.mark.postgres
async def test_postgresql_flushes_every_commit(postgres_schema: str) -> None:
    store = Store(postgres_schema)
    try:
        shown = await store.write(lambda tx: tx.scalar(sa.text("SHOW synchronous_commit")))
        assert shown == "on"
    finally:
        store.close()


def test_an_unknown_kind_of_store_is_named() -> None:
    with pytest.raises(Rejected, match="unknown_store"):
        Store("mysql://localhost/x")


async def test_nobody_waits_for_a_batcher_that_was_cut_short(store: Store) -> None:
    """Taken or not, each hears that it is not now: a future without an owner is waited for in vain."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def unit(_tx: Transaction, items: Sequence[str]) -> list[str | Refusal | Bug]:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10)
        return list(items)

    batcher = Batcher(store, unit)
    callers = [asyncio.create_task(batcher.submit("taken"))]
    await begun.wait()
    callers.append(asyncio.create_task(batcher.submit("waiting")))
    await asyncio.sleep(0)
    assert batcher._task is not None
    batcher._task.cancel()
    go_on.set()
    for caller in callers:
        with pytest.raises(Retryable, match="store_closed"):
            await asyncio.wait_for(caller, 10)
    assert await batcher.submit("later") == "later"


async def test_a_bug_in_a_listener_is_told_and_the_writer_goes_on(store: Store) -> None:
    """A writer that died of it would leave every caller waiting, and the process standing."""
    bugs = [ZeroDivisionError()]

    def listen() -> None:
        if bugs:
            raise bugs.pop()

    store.on_commit(listen)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(store.write(put("a")), 10)
    await asyncio.wait_for(store.write(put("b")), 10)
    assert await store.read(names) == {"a", "b"}
