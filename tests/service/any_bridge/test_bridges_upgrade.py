"""A bridge's store of the first release is brought to today's form with every row in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.record.references import References, fill, load
from bridge.tables import receipt, reference_alias
from dispute.lifecycle import dispute_id_of
from hub.store import migrate as migrating
from hub.store.store import Store, Transaction
from hub.store.tables import outbox, relay_worker

SERVICES = Path(migrating.__file__).parents[2] / "services"
AGENCY = "court-620725"
ROW = {
    "shard": 3,
    "epoch": "e",
    "position": 1,
    "key": "d",
    "record": b"r",
    "hash": b"h",
    "written_at": 1.0,
}


def first(versions: Path, to: Path) -> Path:
    """Copy only the first revision of a folder."""
    to.mkdir(parents=True)
    (only,) = versions.glob("*_0001.py")
    shutil.copy(only, to)
    return to


def indexes(store: Store) -> set[str | None]:
    return {index["name"] for index in sa.inspect(store.engine).get_indexes("outbox")}


def rows(tx: Transaction) -> list[tuple[object, ...]]:
    return [tuple(row) for row in tx.execute(sa.select(outbox))]


@pytest.mark.parametrize("service", ["court_bridge", "police_bridge", "petition_bridge"])
def test_a_store_of_the_first_release_keeps_its_rows(
    service: str, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = SERVICES / service / "migrations" / "versions"
    kernel = tmp_path / "kernel"
    shutil.copytree(migrating.MIGRATIONS, kernel, ignore=shutil.ignore_patterns("versions", "__pycache__"))
    first(migrating.MIGRATIONS / "versions", kernel / "versions")
    store = Store(store_url)
    try:
        with monkeypatch.context() as then:
            then.setattr(migrating, "MIGRATIONS", kernel)
            migrating.migrate(store, first(versions, tmp_path / "versions"))
        store.write_blocking(lambda tx: tx.execute(sa.insert(outbox), ROW))
        before = store.read_blocking(rows)
        assert "outbox_key" in indexes(store)
        assert not sa.inspect(store.engine).has_table(relay_worker.name)

        migrating.migrate(store, versions)
        assert store.read_blocking(rows) == before
        assert len(before) == 1
        assert "outbox_key" not in indexes(store)
        assert sa.inspect(store.engine).has_table(relay_worker.name)
    finally:
        store.close()


def receipt_of(number: int, ref: str, **changes: object) -> dict[str, object]:
    """A record's receipt as the first release stored it: the id is made of the very spelling."""
    made_of = dispute_id_of(AGENCY, ref)
    return {
        "receipt_id": f"receipt-{number}",
        "agency": AGENCY,
        "source_ref": ref,
        "idempotency_key": ref,
        "dispute_id": made_of,
        "case_of": made_of,
        "content_sha256": bytes(32),
        "accepted_at": number,
        "stream": "s/0/e",
        "position": number,
        "correlation_id": "c",
    } | changes


@pytest.mark.parametrize("service", ["court_bridge", "police_bridge", "petition_bridge"])
def test_ids_of_a_store_of_an_earlier_release_stay(service: str, store_url: str, tmp_path: Path) -> None:
    versions = SERVICES / service / "migrations" / "versions"
    old = tmp_path / "versions"
    shutil.copytree(versions, old, ignore=shutil.ignore_patterns("*_000[3-9].py", "__pycache__"))
    rows = [
        receipt_of(1, "（2024）1"),  # plain, beside a spelling that came later
        receipt_of(2, "(2024)1"),
        receipt_of(3, "〔2023〕2"),  # two spellings, none canonical: the first takes the others along
        receipt_of(4, "(2023)2"),
        receipt_of(5, "a（3）"),
        receipt_of(6, "(2022)9", case_of=None),  # a later fact has no id of its own
    ]
    store = Store(store_url)
    try:
        migrating.migrate(store, old)
        store.write_blocking(lambda tx: tx.execute(sa.insert(receipt), rows))
        assert not sa.inspect(store.engine).has_table(reference_alias.name)

        migrating.migrate(store, versions)
        known = References(store.read_blocking(load))
        made_of = {
            "（2024）1": "（2024）1",
            "(2024)1": "(2024)1",
            "〔2024〕1": "（2024）1",
            "〔2023〕2": "〔2023〕2",
            "(2023)2": "(2023)2",
            "（2023）2": "〔2023〕2",
            "【2023】2": "〔2023〕2",
            "a（3）": "a（3）",
            "a(3)": "a（3）",
            "(2022)9": "（2022）9",
            "T-1": "T-1",
        }
        assert {ref: known.identity(AGENCY, ref) for ref in made_of} == made_of

        # A record of today, whose id is that of the canonical form, is nobody's alias when all is written anew.
        today = receipt_of(7, "(2021)4", case_of=dispute_id_of(AGENCY, "（2021）4"))
        store.write_blocking(lambda tx: tx.execute(sa.insert(receipt), today))
        before = store.read_blocking(load)
        store.write_blocking(fill)
        assert store.read_blocking(load) == before
    finally:
        store.close()
