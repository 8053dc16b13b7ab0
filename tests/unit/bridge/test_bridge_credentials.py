from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.accepting import credentials
from bridge.accepting.credentials import KeyRing
from bridge.record.facts import Sender
from bridge.tables import bridge_metadata, credential
from hub.errors import Fault, Kind, Rejected
from hub.runtime.clock import FixedClock
from hub.store.store import Store

CLOCK = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ring_store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'c.db'}")
    bridge_metadata.create_all(store.engine)
    yield store
    store.close()


def add(store: Store, agency: str = "court-620725", county: str = "620725") -> str:
    return store.write_blocking(lambda tx: credentials.issue(tx, "court", agency, county, CLOCK))


async def test_a_key_is_kept_as_a_digest_only(ring_store: Store) -> None:
    key = add(ring_store)
    assert len(key) >= 43  # 32 bytes
    rows = ring_store.read_blocking(lambda tx: tx.execute(sa.select(credential)).all())
    assert key not in str(rows)
    assert await KeyRing(ring_store).sender_of(key) == Sender("court-620725", "620725")
    assert key[:8] not in repr(ring_store.read_blocking(credentials.listed))


@pytest.mark.parametrize("shown", [None, "", "x", "密钥", "0" * 64])
async def test_no_unknown_or_missing_key_gets_in(ring_store: Store, shown: str | None) -> None:
    key = add(ring_store)
    ring = KeyRing(ring_store)
    for wrong in (shown, key + "x", key[:-1], credentials.digest(key)):
        with pytest.raises(Rejected) as refused:
            await ring.sender_of(wrong)
        assert refused.value.kind is Kind.UNAUTHENTICATED


async def test_keys_added_and_revoked_count_without_a_restart(ring_store: Store) -> None:
    seconds = Seconds()
    ring = KeyRing(ring_store, elapsed=seconds)
    first = add(ring_store)
    assert (await ring.sender_of(first)).agency == "court-620725"
    second = add(ring_store, "court-620724", "620724")
    with pytest.raises(Rejected):  # wrong keys may not make us read the store at will
        await ring.sender_of(second)
    seconds.at += credentials.MISS_REFRESH_S
    assert (await ring.sender_of(second)).agency == "court-620724"
    assert ring_store.write_blocking(lambda tx: credentials.revoke(tx, "court-620725")) == 1
    seconds.at += credentials.REFRESH_S
    with pytest.raises(Rejected):
        await ring.sender_of(first)
    assert (await ring.sender_of(second)).agency == "court-620724"


async def test_the_first_requests_all_wait_for_the_first_look(ring_store: Store) -> None:
    key = add(ring_store)
    ring = KeyRing(ring_store)
    senders = await asyncio.gather(*(ring.sender_of(key) for _ in range(50)))
    assert {sender.agency for sender in senders} == {"court-620725"}


@pytest.mark.parametrize(
    ("agency", "county"),
    [("police-620725", "620725"), ("court", "620725"), ("court-", "620725"), ("court-620725", "62072"), ("", "")],
)
def test_an_agency_of_another_bridge_gets_no_key(ring_store: Store, agency: str, county: str) -> None:
    with pytest.raises(Rejected):
        add(ring_store, agency, county)


async def test_the_file_gives_each_bridge_its_own_agencies(tmp_path: Path, ring_store: Store) -> None:
    rows = [
        {"agency": f"{channel}-620725", "county": "620725", "key_sha256": credentials.digest(channel)}
        for channel in ("court", "police", "petition")
    ]
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps(rows))
    fixed = credentials.read_file(path, "police")
    assert [one.sender.agency for one in fixed] == ["police-620725"]
    assert (await KeyRing(ring_store, fixed).sender_of("police")).agency == "police-620725"
    with pytest.raises(Rejected):
        await KeyRing(ring_store, fixed).sender_of("court")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '[{"agency": "court-620725"}]', '[{"agency":"court-620725","county":"620725","key_sha256":"ab"}]',
     '[{"agency":"court-620725","county":"620725","key_sha256":"' + "a" * 64 + '","kay":1}]'],
)  # fmt: skip
def test_a_bad_file_stops_the_start_and_shows_nothing_of_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(text)
    with pytest.raises(Fault) as fault:
        credentials.read_file(path, "court")
    assert fault.value.code == "credentials_unreadable"
    assert "aaaa" not in str(fault.value)


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="credentials_unreadable"):
        credentials.read_file(tmp_path / "none.json", "court")
