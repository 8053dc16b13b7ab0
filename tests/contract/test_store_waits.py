"""A store that can't now: said in time, to everybody who waits, and over by itself. On SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command

from hub.errors import Retryable
from hub.runtime.metrics import Metrics
from hub.store import migrate as migrating
from hub.store import wal
from hub.store.engines import WAL_KEEP_BYTES
from hub.store.migrate import migrate, prepare
from hub.store.probe import StoreProbe, write_nothing
from hub.store.store import Store, Transaction
from hub.store.tables import outbox, store_meta
from hub.store.waits import SERVING

QUICK = replace(SERVING, lock_s=0.3, statement_s=0.6, queue_s=1.0)


def put(name: str) -> Callable[[Transaction], object]:
    return lambda tx: tx.execute(sa.insert(store_meta).values(name=name, value="x"))


def names(tx: Transaction) -> set[str]:
    return set(tx.scalars(sa.select(store_meta.c.name)))


@pytest.fixture
def quick(store_url: str) -> Iterator[Store]:
    """A migrated store whose waits are short."""
    with closing(Store(store_url, QUICK)) as store:
        migrate(store)
        yield store


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def locked(url: str, table: str = store_meta.name) -> Iterator[None]:
    """Hold the lock that keeps every writer out, as an operator's shell would."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield
    else:
        with psycopg.connect(plain(url)) as holder:
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield


async def refused(store: Store, unit: Callable[[Transaction], object]) -> str:
    with pytest.raises(Retryable) as caught:
        await store.write(unit)
    return caught.value.code


async def test_a_lock_held_by_another_session_is_answered_in_time_and_over_by_itself(
    store_url: str, quick: Store
) -> None:
    with locked(store_url):
        began = time.monotonic()
        assert await refused(quick, put("a")) == "store_locked"
        assert time.monotonic() - began < 3
    await quick.write(put("b"))
    assert await quick.read(names) == {"b"}


async def test_those_who_wait_together_wait_once(store_url: str, quick: Store) -> None:
    gate = threading.Event()
    first = asyncio.create_task(quick.write(lambda _tx: gate.wait(10)))
    others = [asyncio.create_task(quick.write(put(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    gate.set()
    await first
    with locked(store_url):
        began = time.monotonic()
        answers = await asyncio.gather(*others, return_exceptions=True)
        took = time.monotonic() - began
    # Those whose turn came before the lock are stored; nobody else waited for the lock once more on their own.
    assert {answer.code for answer in answers if isinstance(answer, Retryable)} <= {"store_locked", "store_busy"}
    assert took < QUICK.queue_s + 2


async def test_who_waited_too_long_for_a_turn_is_told_and_not_run_behind_its_back(quick: Store) -> None:
    begun, gate = threading.Event(), threading.Event()

    def hold(_tx: Transaction) -> None:
        begun.set()
        gate.wait(10)

    first = asyncio.create_task(quick.write(hold))
    await asyncio.to_thread(begun.wait, 10)  # what comes now is no part of its transaction
    late = [asyncio.create_task(quick.write(put(f"late {n}"))) for n in range(3)]
    await asyncio.sleep(0)  # they wait from here on
    threading.Timer(QUICK.queue_s + 0.2, gate.set).start()
    answers = await asyncio.gather(*late, return_exceptions=True)
    assert [getattr(answer, "code", answer) for answer in answers] == ["store_busy"] * 3
    await first
    assert await quick.read(names) == set()


async def test_a_service_waits_for_its_store_when_it_starts(store_url: str, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    with closing(Store(store_url, QUICK)) as store:
        migrate(store)
        with locked(store_url), pytest.raises(Retryable, match="store_locked"):
            prepare(store, versions, put("never"), patience_s=0)
        slept: list[float] = []
        holding = locked(store_url)
        holding.__enter__()

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            holding.__exit__(None, None, None)

        prepare(store, versions, put("first"), patience_s=60, sleep=sleep)
        assert slept == [migrating.RETRY_S]
        assert await store.read(names) == {"first"}


async def test_the_probe_says_what_a_writer_would_meet_also_at_another_table(store_url: str, quick: Store) -> None:
    probe = StoreProbe(quick, store_url, Metrics())
    await probe.ask()
    assert probe.trouble() == ""
    with locked(store_url, outbox.name):
        await probe.ask()
        assert probe.trouble() == "store_locked"
    await probe.ask()
    assert probe.trouble() == ""
    assert await quick.read(names) == set()


async def test_a_probe_that_gets_no_answer_is_trouble(store_url: str, quick: Store) -> None:
    begun, gate = threading.Event(), threading.Event()

    def held(_tx: Transaction) -> None:
        begun.set()
        assert gate.wait(30)

    first = asyncio.create_task(quick.write(held))
    try:
        assert await asyncio.to_thread(begun.wait, 30)
        probe = StoreProbe(quick, store_url, Metrics(), answer_s=0.1)
        await probe.ask()
        assert probe.trouble() == "store_busy"
    finally:
        gate.set()
        await first


async def test_the_probe_runs_by_itself_and_stops(store_url: str, quick: Store) -> None:
    metrics = Metrics()
    committed = threading.Event()
    quick.on_commit(committed.set)
    probe = StoreProbe(quick, store_url, metrics, every_s=0.01)
    await probe.start()
    for _ in range(2):
        assert await asyncio.to_thread(committed.wait, 10)
        committed.clear()
    await asyncio.wait_for(probe.stop(), 10)
    assert metrics.registry.get_sample_value("hub_store_wal_bytes") is not None


# --- PostgreSQL alone ------------------------------------------------------------------------------------------------


def order(url: str, statement: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")  # else the way back would be refused as well
        admin.execute(statement)


@pytest.mark.postgres
@pytest.mark.parametrize("way", ["database", "session"])
async def test_a_server_that_takes_no_writes_is_left_and_found_again(postgres_database: str, way: str) -> None:
    name = sa.make_url(postgres_database).database
    with closing(Store(postgres_database, QUICK)) as store:
        migrate(store)
        order(postgres_database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        if way == "database":
            # Sessions that were there write on; a demoted primary would have ended them.
            ended = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = %s"
            )
            with psycopg.connect(plain(postgres_database), autocommit=True) as admin:
                admin.execute(ended, (name,))
        else:
            await store.write(lambda tx: tx.exec_driver_sql("SET default_transaction_read_only = on"))
        codes = {await refused(store, put("a")) for _ in range(3)}
        assert codes <= {"store_read_only", "store_unavailable"}
        assert "store_read_only" in codes
        assert await store.read(names) == set()
        order(postgres_database, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        # Each refusal had its session thrown away: the next one is a new one, and it writes.
        await store.write(put("b"))
        assert await store.read(names) == {"b"}


@pytest.mark.postgres
async def test_a_statement_that_takes_too_long_is_cut_but_not_a_migration_s(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store(postgres_database, QUICK)) as store:
        assert await refused(store, lambda tx: tx.exec_driver_sql("SELECT pg_sleep(20)")) == "store_busy"

        seen: list[tuple[str, str]] = []

        def look(config: object, _target: str) -> None:
            connection = config.attributes["connection"]  # type: ignore[attr-defined]
            show = [
                connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("statement_timeout", "lock_timeout")
            ]
            seen.append((show[0], show[1]))

        monkeypatch.setattr(command, "upgrade", look)
        migrate(store)
        assert seen == [("0", "30s")]
        show = await store.write(lambda tx: tx.exec_driver_sql("SHOW statement_timeout").scalar())
        assert show == "600ms"


@pytest.mark.postgres
async def test_a_connection_that_breaks_inside_a_savepoint_is_no_bug(postgres_database: str) -> None:
    def unit(tx: Transaction) -> None:
        pid = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        try:
            with tx.begin_nested():
                order(postgres_database, f"SELECT pg_terminate_backend({pid})")
                put("a")(tx)
        except sa.exc.DBAPIError:
            put("b")(tx)  # a reader takes the records one by one after trouble

    with closing(Store(postgres_database, QUICK)) as store:
        migrate(store)
        assert await refused(store, unit) == "store_unavailable"
        await store.write(put("c"))
        assert await store.read(names) == {"c"}


@pytest.mark.postgres
async def test_two_probes_do_not_wait_for_each_other(postgres_database: str) -> None:
    with closing(Store(postgres_database, QUICK)) as one, closing(Store(postgres_database, QUICK)) as other:
        migrate(one)

        def inside(tx: Transaction) -> None:
            write_nothing(tx)
            other.write_blocking(write_nothing)

        await one.write(inside)


@pytest.mark.postgres
async def test_a_stranger_s_table_in_our_schema_is_not_asked_for(postgres_database: str) -> None:
    with closing(Store(postgres_database, QUICK)) as store:
        migrate(store)
        name = f"stranger_{sa.make_url(postgres_database).database}"
        order(postgres_database, f'CREATE ROLE "{name}"')
        order(postgres_database, "CREATE TABLE beside (n integer)")
        order(postgres_database, f'ALTER TABLE beside OWNER TO "{name}"')
        probe = StoreProbe(store, postgres_database, Metrics())
        with locked(postgres_database, "beside"):
            await probe.ask()
            assert probe.trouble() == ""


# --- SQLite alone ----------------------------------------------------------------------------------------------------


async def test_the_log_file_gives_back_what_an_old_reader_made_it_grow_to(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    url = f"sqlite:///{file}"
    with closing(Store(url)) as store:
        migrate(store)
        with closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute(f"SELECT count(*) FROM {store_meta.name}").fetchone()  # noqa: S608 - our own table's name
            pages = WAL_KEEP_BYTES // 4096 + 1000
            blob = sa.insert(outbox).values(
                shard=0, position=1, epoch="e", key="k", record=bytes(pages * 4096), hash=b"", written_at=0.0
            )
            await store.write(lambda tx: tx.execute(blob))
            assert wal.shorten(url) > WAL_KEEP_BYTES  # it waits for nobody
        assert wal.shorten(url) == 0
        await store.write(put("after"))
        assert await store.read(names) == {"after"}
        assert 0 < wal.size(url) < WAL_KEEP_BYTES


def test_a_postgresql_store_has_no_such_file(tmp_path: Path) -> None:
    assert wal.shorten("postgresql+psycopg://u@/x") == 0
    assert wal.shorten(f"sqlite:///{tmp_path / 'none.db'}") == 0
    assert not (tmp_path / "none.db").exists()
