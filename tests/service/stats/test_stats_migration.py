"""A stats store of an earlier version is brought to today's form with every fact in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.store.migrate import migrate
from hub.store.store import Store
from services.stats.facts.tables import cell, fact, total
from services.stats.wiring import VERSIONS

PLAIN = {"type": 5, "sign": 1, "first": 0, "concluding": 0, "opening": 0, "recorded_ms": 1_700_000_000_000}
ROWS = [
    {"stream_id": stream, "position": position, "line": line, "day": 19_800 - position, "dispute": bytes(16), **PLAIN}
    for stream in (2, 1)
    for position in (1, 2, 3)
    for line in (0, 1)
]


@pytest.fixture
def store_of_before(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store at the first revision, with facts."""
    versions = tmp_path / "versions"
    versions.mkdir()
    shutil.copy(VERSIONS / "stats_0001.py", versions)
    store = Store(store_url)
    try:
        migrate(store, versions)
        dimensions = {c.name: 7 for c in fact.columns if not c.nullable and c.name not in ROWS[0]}
        store.write_blocking(lambda tx: tx.execute(sa.insert(fact), [{**row, **dimensions} for row in ROWS]))
        yield store
    finally:
        store.close()


def test_totals_are_added_up_from_the_cells_there_are(store_of_before: Store) -> None:
    place = {"channel": 1, "county": 5}
    rows = [
        {"day": day, "shard": shard, "measure": 4, "town": town, "count": day + town, **place}
        for day in (1, 2)
        for shard in (0, 3)
        for town in (10, 20)
    ]
    store_of_before.write_blocking(lambda tx: tx.execute(sa.insert(cell), rows))
    migrate(store_of_before, VERSIONS)
    found = store_of_before.read_blocking(lambda tx: tx.execute(sa.select(total).order_by(total.c.shard)).all())
    assert [tuple(row) for row in found] == [(5, 1, 4, 0, 66), (5, 1, 4, 3, 66)]


def test_facts_survive_the_new_key(store_of_before: Store) -> None:
    def facts(tx: sa.Connection) -> list[tuple[object, ...]]:
        return [tuple(row) for row in tx.execute(sa.select(fact).order_by(*list(fact.columns)[:3]))]

    before = store_of_before.read_blocking(facts)
    migrate(store_of_before, VERSIONS)
    assert store_of_before.read_blocking(facts) == before
    assert len(before) == len(ROWS)
    inspector = sa.inspect(store_of_before.engine)
    assert inspector.get_pk_constraint("fact")["constrained_columns"] == [c.name for c in fact.primary_key]
    assert "fact_0001" not in inspector.get_table_names()
    with pytest.raises(sa.exc.IntegrityError):
        store_of_before.write_blocking(
            lambda tx: tx.execute(sa.insert(fact), {c.name: v for c, v in zip(fact.columns, before[0], strict=True)})
        )
