"""Two workers take turns at the numbers of one county and year; on both stores."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from hub.store.store import Store, Transaction
from services.intake.cases.case_numbers import lock_last
from services.intake.cases.ports import Series, UnitChanges
from services.intake.cases.tables import case_number
from services.intake.cases.writer import writer_for
from tests.support.stores import OpenStore
from tests.support.two_workers import in_turn
from tests.support.vaults import party_vault

SANDAN, TONGDAO = Series("620725", 2024), Series("431230", 2024)


def number(tx: Transaction, wanted: Collection[Series]) -> dict[Series, int]:
    """Number a case in each series as a unit of work does; return the last numbers before it."""
    last = lock_last(tx, wanted)
    changes = UnitChanges(numbers={series: before + 1 for series, before in last.items()})
    writer_for(tx.dialect.name).write(tx, changes, party_vault())
    return last


def numbers(store: Store) -> dict[Series, int]:
    rows = store.read_blocking(lambda tx: tx.execute(sa.select(case_number)).all())
    return {Series(row.county, row.year): row.last for row in rows}


async def test_the_second_worker_goes_on_where_the_first_ended(open_intake: OpenStore) -> None:
    """The first is held before its commit until the second stands before the series."""
    one, two = open_intake(), open_intake()
    taken = await in_turn(one, two, lambda tx: number(tx, {SANDAN}), lambda tx: number(tx, {SANDAN}))
    assert taken == ({SANDAN: 0}, {SANDAN: 1})
    assert numbers(one) == {SANDAN: 2}


def test_series_are_taken_in_one_order_by_all(open_intake: OpenStore) -> None:
    """Two workers with the same series, named in opposite orders, again and again: none dies of a deadlock."""
    workers = [open_intake(), open_intake()]
    many = [Series("620725", year) for year in range(1990, 2030)]
    for _ in range(10):
        waits = [
            store.submit(lambda tx, order=order: number(tx, order))  # type: ignore[misc] # mypy knows no default of a lambda
            for store, order in zip(workers, (many, many[::-1]), strict=True)
        ]
        assert all(wait.result(20) for wait in waits)
    assert numbers(workers[0]) == dict.fromkeys(many, 20)


def test_a_lower_number_never_comes_back(open_intake: OpenStore) -> None:
    store = open_intake()
    for last in (5, 3):
        changes = UnitChanges(numbers={SANDAN: last, TONGDAO: 1})
        store.write_blocking(lambda tx, told=changes: writer_for(tx.dialect.name).write(tx, told, party_vault()))  # type: ignore[misc] # as above
    assert numbers(store) == {SANDAN: 5, TONGDAO: 1}
