"""Marks in intake's store: found by their pairs, bounded, and never missed by two workers at once; on both stores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from hub.store.prepared import AT_ONCE
from hub.store.store import Store, Transaction
from services.intake.cases.matters import CANDIDATES_MOST, candidates, lock_pairs
from services.intake.cases.ports import UnitChanges
from services.intake.cases.tables import dispute, match_pair
from services.intake.cases.writer import writer_for
from services.intake.law.marks import Marks, PersonMark
from tests.support.intake import marks
from tests.support.stores import OpenStore
from tests.support.two_workers import in_turn
from tests.support.vaults import party_vault

ZHAO_QIAN = marks(["zhao"], ["qian"], subject_ref="JK-1", happened_on=date(2024, 2, 1))
SUN_QIAN = marks(["sun"], ["qian"])
BOTH = marks(["zhao", "sun"], ["qian"])


@pytest.fixture
def intake(open_intake: OpenStore) -> Store:
    return open_intake()


def add(store: Store, rows: Mapping[str, Marks]) -> None:
    store.write_blocking(lambda tx: keep(tx, rows))


def keep(tx: Transaction, rows: Mapping[str, Marks]) -> None:
    """Have the register keep the marks of disputes of which nothing else is known."""
    plain = dict.fromkeys(("state", "channel", "procedure"), "") | {"sequence": 1, "snapshot": b"", "facts": b""}
    there = set(tx.scalars(sa.select(dispute.c.dispute_id)))
    if new := [{"dispute_id": dispute_id, **plain} for dispute_id in rows.keys() - there]:
        tx.execute(sa.insert(dispute), new)
    writer_for(tx.dialect.name).write(tx, UnitChanges(marks=dict(rows)), party_vault())


def found(store: Store, *of: Marks) -> dict[str, Marks]:
    return store.read_blocking(lambda tx: candidates(tx, {token for each in of for token in each.pairs}))


def test_marks_come_back_to_whoever_shares_a_pair(intake: Store) -> None:
    add(intake, {"d-1": ZHAO_QIAN, "d-2": SUN_QIAN, "d-3": BOTH})
    assert found(intake, ZHAO_QIAN) == {"d-1": ZHAO_QIAN, "d-3": BOTH}
    assert found(intake, ZHAO_QIAN, SUN_QIAN) == {"d-1": ZHAO_QIAN, "d-2": SUN_QIAN, "d-3": BOTH}


def test_the_other_borrowers_of_a_bank_are_no_candidates(intake: Store) -> None:
    add(intake, {f"d-{n}": marks(["bank"], [f"borrower-{n}"]) for n in range(3)})
    assert [*found(intake, marks(["bank"], ["borrower-1"]))] == ["d-1"]
    assert found(intake, marks(["bank"], ["borrower-9"])) == {}
    assert intake.read_blocking(lambda tx: candidates(tx, ())) == {}


def test_marks_added_again_replace_those_before(intake: Store) -> None:
    add(intake, {"d-1": ZHAO_QIAN})
    later = replace(ZHAO_QIAN, category="08")
    add(intake, {"d-1": later})
    add(intake, {})
    assert found(intake, ZHAO_QIAN) == {"d-1": later}
    rows = [sa.select(sa.func.count()).select_from(table) for table in (match_pair, dispute)]
    assert intake.read_blocking(lambda tx: [tx.scalar(row) for row in rows]) == [1, 1]


def test_only_the_newest_of_a_pair_are_compared(intake: Store) -> None:
    first = date(2024, 1, 1)
    known = {
        f"d-{n:03}": replace(ZHAO_QIAN, received_on=first + timedelta(days=n)) for n in range(CANDIDATES_MOST + 20)
    }
    add(intake, known)
    add(intake, {"e-1": SUN_QIAN})
    newest = dict(sorted(known.items())[20:])
    assert found(intake, ZHAO_QIAN, SUN_QIAN) == newest | {"e-1": SUN_QIAN}


def test_tokens_of_many_records_are_asked_for_in_parts(intake: Store) -> None:
    many = {
        f"d-{n}": replace(ZHAO_QIAN, claiming=(PersonMark(f"{n:016x}{n:016x}"),), answering=(PersonMark("f" * 32),))
        for n in range(AT_ONCE + 1)
    }
    add(intake, many)
    assert found(intake, *many.values()) == many


async def test_two_workers_that_register_one_matter_at_once_see_each_other(open_intake: OpenStore) -> None:
    """The first is held before its commit until the second stands before the pair; then one of them finds the other."""
    one, two = open_intake(), open_intake()

    def register(tx: Transaction, dispute_id: str) -> dict[str, Marks]:
        lock_pairs(tx, BOTH.pairs)
        known = candidates(tx, BOTH.pairs)
        keep(tx, {dispute_id: BOTH})
        return known

    seen = await in_turn(one, two, lambda tx: register(tx, "d-1"), lambda tx: register(tx, "d-2"))
    assert seen == ({}, {"d-1": BOTH})


def test_pairs_are_taken_in_one_order_by_all(open_intake: OpenStore) -> None:
    """Two workers with the same pairs, named in opposite orders, again and again: none dies of a deadlock."""
    workers = [open_intake(), open_intake()]
    tokens = [f"{n:032x}" for n in range(40)]
    for _ in range(10):
        waits = [
            store.submit(lambda tx, order=order: lock_pairs(tx, order))  # type: ignore[misc] # mypy knows no default of a lambda
            for store, order in zip(workers, (tokens, tokens[::-1]), strict=True)
        ]
        assert [wait.result(20) for wait in waits] == [None, None]
