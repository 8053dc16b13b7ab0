"""The chain of audit entries, on SQLite and PostgreSQL: each kind of tampering is found at its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from hub.audit.chain import BATCH, AuditEntry, ChainBreak, ChainEnd, append, begin, entries, prune, size, verify
from hub.audit.tables import audit_entry, audit_head
from hub.store.store import Store, Transaction

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
E = audit_entry.c


def entry(number: int) -> AuditEntry:
    return AuditEntry(
        NOW + timedelta(minutes=number),
        "hub.intake.v1.IntakeService/Execute",
        "c-1",
        "clerk-1",
        "clerk",
        about=(f"d-{number}",),
    )


async def chain(store: Store, count: int) -> ChainEnd:
    await store.write(begin)
    await store.write(begin)
    made = [entry(number) for number in range(1, count + 1)]
    await store.write(lambda tx: append(tx, made[: count // 2]))
    return await store.write(lambda tx: append(tx, made[count // 2 :]))


async def test_entries_come_back_in_order_and_verify(store: Store) -> None:
    end = await chain(store, 2500)
    assert end.position == 2500
    assert await store.read(verify) == end
    assert await store.read(lambda tx: [each for _, each in entries(tx)]) == [entry(n) for n in range(1, 2501)]
    assert await store.read(lambda tx: [position for position, _ in entries(tx, 2498)]) == [2499, 2500]


async def test_an_empty_chain_is_whole(store: Store) -> None:
    await store.write(begin)
    assert await store.read(verify) == ChainEnd(0, bytes(32).hex())


def changed(tx: Transaction) -> None:
    content = tx.scalar(sa.select(E.content).where(E.position == 4))
    tx.execute(
        sa.update(audit_entry).where(E.position == 4).values(content=bytes(content or b"").replace(b"d-4", b"d-9"))
    )


def retimed(tx: Transaction) -> None:
    tx.execute(sa.update(audit_entry).where(E.position == 4).values(at=E.at + 1))


def missing(tx: Transaction) -> None:
    tx.execute(sa.delete(audit_entry).where(E.position == 4))


def last_missing(tx: Transaction) -> None:
    tx.execute(sa.delete(audit_entry).where(E.position == 6))


def swapped(tx: Transaction) -> None:
    for old, new in ((4, 99), (5, 4), (99, 5)):
        tx.execute(sa.update(audit_entry).where(E.position == old).values(position=new))


def added(tx: Transaction) -> None:
    row = tx.execute(sa.select(audit_entry).where(E.position == 6)).one()
    tx.execute(sa.insert(audit_entry).values(**({**row._mapping, "position": 7})))


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (changed, ChainBreak(4, "changed")),
        (retimed, ChainBreak(4, "changed")),
        (missing, ChainBreak(4, "missing")),
        (last_missing, ChainBreak(6, "missing")),
        (swapped, ChainBreak(4, "changed")),
        (added, ChainBreak(7, "changed")),
    ],
)
async def test_tampering_is_found(store: Store, tamper: Callable[[Transaction], None], found: ChainBreak) -> None:
    await chain(store, 6)
    await store.write(tamper)
    assert await store.read(verify) == found


async def test_a_chain_that_was_written_anew_does_not_go_through_an_end_that_was_kept(store: Store) -> None:
    kept = await chain(store, 6)
    await store.write(lambda tx: append(tx, [entry(7)]))
    assert isinstance(await store.read(lambda tx: verify(tx, kept)), ChainEnd)
    await store.write(lambda tx: (tx.execute(sa.delete(audit_entry)), tx.execute(sa.delete(audit_head))))
    await store.write(begin)
    assert await store.read(lambda tx: verify(tx, kept)) == ChainBreak(1, "missing")
    await store.write(lambda tx: append(tx, [entry(n + 20) for n in range(8)]))
    assert isinstance(await store.read(verify), ChainEnd)
    assert await store.read(lambda tx: verify(tx, kept)) == ChainBreak(6, "changed")


async def test_old_entries_are_forgotten_and_the_rest_still_verifies(store: Store) -> None:
    end = await chain(store, 6)
    assert await store.write(lambda tx: prune(tx, NOW)) == 0
    assert await store.write(lambda tx: prune(tx, NOW + timedelta(minutes=4))) == 3
    assert await store.read(verify) == end
    assert await store.read(lambda tx: [position for position, _ in entries(tx)]) == [4, 5, 6]
    assert await store.write(lambda tx: prune(tx, NOW + timedelta(days=1))) == 3
    assert await store.read(verify) == end
    await store.write(lambda tx: append(tx, [entry(7)]))
    assert await store.read(lambda tx: verify(tx, end)) == await store.read(verify)


async def test_an_end_that_was_kept_still_proves_something_when_the_chain_begins_right_after_it(store: Store) -> None:
    kept = await chain(store, 4)
    await store.write(lambda tx: append(tx, [entry(5)]))
    await store.write(lambda tx: prune(tx, entry(5).at))
    assert isinstance(await store.read(lambda tx: verify(tx, kept)), ChainEnd)
    other = replace(kept, hash="0" * 64)
    assert await store.read(lambda tx: verify(tx, other)) == ChainBreak(4, "changed")


async def test_a_transaction_forgets_so_many_and_the_chain_is_whole_after_each(store: Store) -> None:
    count = 2 * BATCH + 3
    last = entry(count).at
    end = await chain(store, count)
    for forgotten in (BATCH, BATCH, 2, 0):
        assert await store.write(lambda tx: prune(tx, last)) == forgotten
        count -= forgotten
        assert await store.read(size) == count
        assert await store.read(verify) == end
    assert await store.read(lambda tx: [position for position, _ in entries(tx)]) == [2 * BATCH + 3]


async def test_an_entry_that_has_to_stay_keeps_those_after_it(store: Store) -> None:
    await store.write(begin)
    order = [entry(number) for number in (1, 2, 9, 3, 4)]  # the clock was ahead for a moment
    await store.write(lambda tx: append(tx, order))
    assert await store.write(lambda tx: prune(tx, entry(5).at)) == 2
    assert [each for _, each in await store.read(lambda tx: list(entries(tx)))] == order[2:]


async def test_a_missing_entry_is_found_until_it_is_forgotten(store: Store) -> None:
    end = await chain(store, 6)
    await store.write(missing)
    for forgotten, found in ((2, ChainBreak(4, "missing")), (1, ChainBreak(4, "missing")), (1, end)):
        assert await store.write(lambda tx: prune(tx, entry(9).at, 2)) == forgotten
        assert await store.read(verify) == found


async def test_the_size_is_known_without_a_look_at_the_entries(store: Store) -> None:
    await chain(store, 6)
    await store.write(lambda tx: prune(tx, entry(3).at))
    ran: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *of: ran.append(of[2]))
    assert await store.write(size) == 4
    assert len([text for text in ran if "audit_head" in text]) == 1
    assert [text for text in ran if "audit_entry" in text] == []
