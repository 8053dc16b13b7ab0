"""A store that can't now: answered in time, said by health, over by itself."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any, Final

import httpx2
import psycopg
import pytest

from tests.blackbox.conftest import OwnHub
from tests.blackbox.hubs import BRIDGES, NOUN, RunningHub

SERVICES: Final = ("court_bridge", "police_bridge", "petition_bridge", "intake", "stats")
ANSWER_S: Final = 20.0
"""A caller's patience; the hub's own bound is 15 s."""
SAID_S: Final = 25.0
"""Ten seconds of trouble, and the time to notice it, on a machine that has other work."""
OVER_S: Final = 25.0


def table_of(service: str) -> str:
    """Return a table that the service needs for its job, and that its idle moments leave alone."""
    return "receipt" if service.endswith("_bridge") else "inbox_partition"


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """Hold a lock as a forgotten session of an operator does."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=20)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield
    else:
        with psycopg.connect(url.replace("+psycopg", "", 1)) as holder:
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield


async def answer_of(hub: RunningHub, bridge: str, body: dict[str, Any]) -> tuple[int, bool]:
    """Return status and whether it says when to come again; status 0 when no answer came in time."""
    try:
        async with asyncio.timeout(ANSWER_S):
            answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=body)
    except (TimeoutError, httpx2.TransportError):
        return 0, False
    return answer.status_code, "retry-after" in answer.headers


async def accepted(hub: RunningHub, bridge: str, body: dict[str, Any]) -> str:
    """Send the same record until it is accepted; returns its dispute."""
    end = time.monotonic() + OVER_S
    while True:
        try:
            answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=body)
        except httpx2.TransportError:
            assert time.monotonic() < end, f"{bridge} does not answer; ended: {hub.ended()}"
        else:
            if answer.status_code in {200, 201}:
                return str(answer.json()["dispute_id"])
            assert time.monotonic() < end, answer.text
        await asyncio.sleep(0.5)


async def health_of(hub: RunningHub, service: str, path: str = "/healthz") -> tuple[int, str]:
    """Return status and word; 0 when there was no answer."""
    try:
        async with httpx2.AsyncClient(base_url=hub.http[service], timeout=5.0) as client:
            answer = await client.get(path)
            return answer.status_code, str(answer.json().get("status", ""))
    except (httpx2.TransportError, ValueError):
        return 0, ""


async def until(deadline_s: float, look: Callable[[], Awaitable[object]], wanted: object) -> object:
    """Look until it is as wanted, or the time is over; returns what was seen last."""
    end = time.monotonic() + deadline_s
    while True:
        seen = await look()
        if seen == wanted or time.monotonic() > end:
            return seen
        await asyncio.sleep(0.5)


@pytest.mark.item("5")
async def test_a_forgotten_lock_is_answered_in_time(hub: RunningHub, bridge: str) -> None:
    body = hub.record(bridge)
    with held(hub.stores[f"{bridge}_bridge"], table_of(f"{bridge}_bridge")):
        status, comes_again = await answer_of(hub, bridge, body)
    assert status in {503, 504}, status
    assert comes_again
    await accepted(hub, bridge, body)


@pytest.mark.item("6")
async def test_health_tells_who_can_not_do_its_job_and_that_it_can_again(hub: RunningHub) -> None:
    async def said() -> dict[str, tuple[int, str]]:
        return {service: await health_of(hub, service) for service in SERVICES}

    async def serving() -> Sequence[bool]:
        return [await asyncio.to_thread(hub.serving, service) for service in SERVICES]

    fine, down = dict.fromkeys(SERVICES, (200, "ok")), dict.fromkeys(SERVICES, (503, "down"))
    await until(OVER_S, said, fine)
    with ExitStack() as stack:
        for service in SERVICES:
            stack.enter_context(held(hub.stores[service], table_of(service)))
        assert await until(SAID_S, said, down) == down
        assert await until(5, serving, [False] * 5) == [False] * 5
        alive = {service: await health_of(hub, service, "/livez") for service in SERVICES}
        assert alive == dict.fromkeys(SERVICES, (200, "alive"))
    assert await until(OVER_S, said, fine) == fine
    assert await until(5, serving, [True] * 5) == [True] * 5
    assert hub.ended() == []


@pytest.mark.item("4")
async def test_a_database_that_takes_no_writes_ends_nobody_and_is_over_by_itself(own_hub: OwnHub, store: str) -> None:
    if store != "postgres":
        pytest.skip("SQLite has no server that turns read-only; its locked and full stores are asked elsewhere")
    async with own_hub() as hub:
        bodies = {bridge: hub.record(bridge) for bridge in BRIDGES}
        with read_only(hub.stores.values()):
            for bridge, body in bodies.items():
                status, comes_again = await answer_of(hub, bridge, body)
                assert (status, comes_again) == (503, True), (bridge, hub.ended())
            # Every service has met it when it says so; one that met it and died says nothing.
            for service in SERVICES:
                met = await until(SAID_S, partial(health_of, hub, service), (503, "down"))
                assert (met, hub.ended()) == ((503, "down"), [])
        for bridge, body in bodies.items():
            await hub.result_of(bridge, await accepted(hub, bridge, body), deadline_s=60)
        assert hub.ended() == []


@contextmanager
def read_only(urls: Iterable[str]) -> Iterator[None]:
    """Have PostgreSQL refuse every write, as a demoted primary does; sessions end with it."""
    addresses = [url.replace("+psycopg", "", 1) for url in urls]
    for address in addresses:
        _order(address, "on")
    try:
        yield
    finally:
        for address in addresses:
            _order(address, "off")


def _order(address: str, value: str) -> None:
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute("SET default_transaction_read_only = off")
        (name,) = admin.execute("SELECT current_database()").fetchone() or ("",)
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}')
        if value == "on":
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                (name,),
            )
