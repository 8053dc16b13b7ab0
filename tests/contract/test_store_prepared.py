"""Prepared statements do to rows what SQLAlchemy's own execution does, on both stores."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from hub.store.prepared import PreparedStatement, insert_into
from hub.store.store import Store

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("at", sa.Float),
)
ROWS = [("一", 1, b"\x00\xff", 1.5), ("b", 2**40, None, None)]


@pytest.fixture
def table(store: Store) -> Store:
    store.write_blocking(metadata.create_all)
    return store


def test_rows_come_back_as_they_were(table: Store) -> None:
    insert = PreparedStatement(table.dialect, sa.insert(things), "name", "number", "content", "at")
    table.write_blocking(lambda tx: insert.run(tx, ROWS))
    again = table.read_blocking(lambda tx: tx.execute(sa.select(things).order_by(things.c.number)).all())
    assert [tuple(row) for row in again] == ROWS


def test_updates_and_conflicts_go_row_by_row(table: Store) -> None:
    fresh = insert_into(table.dialect, things)
    upsert = fresh.on_conflict_do_update(
        index_elements=[things.c.name], set_={"number": things.c.number + fresh.excluded.number}
    )
    move = sa.update(things).where(things.c.name == sa.bindparam("of")).values(number=sa.bindparam("upto"))

    def unit(tx: sa.Connection) -> list[tuple[object, ...]]:
        add = PreparedStatement(table.dialect, upsert, "name", "number", "content", "at")
        add.run(tx, [("a", 1, None, None), ("b", 5, None, None), ("a", 2, None, None)])
        PreparedStatement(table.dialect, move, "upto", "of").run(tx, [(9, "b"), (7, "absent")])
        PreparedStatement(table.dialect, move, "upto", "of").run(tx, [])
        return [tuple(row) for row in tx.execute(sa.select(things.c.name, things.c.number).order_by(things.c.name))]

    assert table.write_blocking(unit) == [("a", 3), ("b", 9)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_another_order_of_values_is_refused(dialect: str) -> None:
    with pytest.raises(AssertionError, match="order of values"):
        PreparedStatement(dialect, sa.insert(things), "number", "name", "content", "at")
    with pytest.raises(AssertionError, match="order of values"):
        PreparedStatement(dialect, sa.delete(things).where(things.c.name == sa.bindparam("of")), "name")
