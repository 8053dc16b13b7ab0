"""A bridge's store of the first release is brought to today's form with every row in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from bridge.outbound import results
from bridge.outbound.applier import ResultsApplier
from bridge.record.references import References, fill, load
from bridge.tables import receipt, reference_alias, result, result_cursor
from dispute.contracts.topics import JOURNAL
from dispute.lifecycle import dispute_id_of
from dispute.lifecycle.identity import event_id_of
from hub.store import migrate as migrating
from hub.store.store import Store, Transaction
from hub.store.tables import outbox, relay_worker
from hub.streams.envelope import StreamName
from hub.streams.judge import Numbered
from tests.support.bridges import event_of

SERVICES = Path(migrating.__file__).parents[2] / "services"
AGENCY = "court-620725"
NAME = StreamName("intake", 0, "e")
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


@pytest.mark.parametrize("service", ["court_bridge", "police_bridge", "petition_bridge"])
def test_receipts_and_results_of_an_earlier_release_go_on(service: str, store_url: str, tmp_path: Path) -> None:
    channel = service.removesuffix("_bridge")
    versions = SERVICES / service / "migrations" / "versions"
    old = tmp_path / "versions"
    shutil.copytree(versions, old, ignore=shutil.ignore_patterns("*_000[5-9].py", "__pycache__"))
    one, two = dispute_id_of(AGENCY, "T-1"), dispute_id_of(AGENCY, "T-2")
    receipts = [receipt_of(1, "T-1"), receipt_of(2, "T-1", case_of=None), receipt_of(3, "T-2")]
    stored = [result_of(1, one, "T-1", "failed", 5), result_of(2, one, "T-1", "returned", 6, final=True)]
    stored.append(result_of(3, two, "T-2", "returned", 6, final=True))
    store = Store(store_url)
    try:
        migrating.migrate(store, old)
        store.write_blocking(lambda tx: tx.execute(sa.insert(receipt), receipts))
        store.write_blocking(lambda tx: tx.execute(sa.insert(result), stored))
        store.write_blocking(
            lambda tx: tx.execute(sa.insert(result_cursor), {"agency": AGENCY, "last": 3, "acknowledged": 0})
        )
        migrating.migrate(store, versions)
        rounds = sa.select(receipt.c.receipt_id, receipt.c.round, receipt.c.opening).order_by(receipt.c.receipt_id)
        assert [tuple(row) for row in store.read_blocking(lambda tx: tx.execute(rounds).all())] == [
            ("receipt-1", 1, 1),
            ("receipt-2", 0, None),
            ("receipt-3", 1, 1),
        ]
        with pytest.raises(sa.exc.IntegrityError):
            store.write_blocking(lambda tx: tx.execute(sa.insert(receipt), receipt_of(4, "T-1", round=1)))
        taking_back = event_of(one, channel, "agreed", 7)
        taking_back.rewinds_to = 5
        events = [taking_back, event_of(two, channel, "closed", 8)]
        numbered = [Numbered(JOURNAL.name, 0, n, NAME, n, event.SerializeToString()) for n, event in enumerate(events)]
        store.write_blocking(lambda tx: ResultsApplier(channel).apply(tx, numbered))
        told = store.read_blocking(lambda tx: results.after(tx, AGENCY, 0, 10))
        assert [(each.status, each.superseded, each.opening) for each in told] == [
            ("failed", True, 0),
            ("returned", True, 0),
            ("returned", False, 0),
            ("agreed", False, 1),
        ]
        assert told[3].supersedes == (event_id_of(one, 5), event_id_of(one, 6))
        assert (told[0].missing, told[0].way, told[0].limit) == ((), "", "")
    finally:
        store.close()


def result_of(
    cursor: int, dispute: str, ref: str, status: str, sequence: int, *, final: bool = False
) -> dict[str, object]:
    """A result as the release before stored it."""
    texts = dict.fromkeys(("reason_code", "clause", "outcome_form", "document_sha256", "lead_department"), "")
    event_id = event_id_of(dispute, sequence)
    own = {"agency": AGENCY, "cursor": cursor, "event_id": event_id, "source_ref": ref, "dispute_id": dispute}
    return own | texts | {"status": status, "occurred_at": 1, "final": final}
