"""A flood of dead letters holds the source that makes it (ADR 0010): each test fails without its guard."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL
from hub.refusals import SOURCE_HELD
from hub.store.tables import dead_letter
from hub.streams.applier import Poisoned
from hub.streams.envelope import Message
from hub.streams.holds import HeldRecords, aside, hold, release
from hub.streams.reader import Reader
from tests.support.journals import Bench, Recorder, fault_of, until
from tests.support.stores import OpenStore

COURT = "intake/court"
"""The bench's producer, and the agency that keys like `court-a` stand for."""


def of_court(numbers: range, disputes: str = "abc") -> list[str]:
    """Return records of the court's disputes, numbered in order within each."""
    return [f"court-{dispute}:{number:03}" for number in numbers for dispute in disputes]


async def letters(bench: Bench) -> list[str]:
    query = sa.select(dead_letter.c.reason).order_by(dead_letter.c.id)
    return await bench.consumer.read(lambda tx: list(tx.scalars(query)))


async def books(bench: Bench, reader: Reader) -> dict[str, int]:
    told = await bench.consumer.read(reader.books)
    return {what: told[what] for what in ("applied", "dead", "parked", "held")}


async def waiting(bench: Bench) -> list[HeldRecords]:
    return list(await bench.consumer.read(lambda tx: aside(tx, JOURNAL.name)))


async def let_go(bench: Bench, source: str = COURT) -> int:
    """Release a source as the command does; returns the records given back."""
    given: int | None = None
    while given is None:
        given = await bench.consumer.write(lambda tx: release(tx, JOURNAL.name, source))
    return given


async def empty(bench: Bench, reader: Reader) -> None:
    async def all_through() -> bool:
        told = await books(bench, reader)
        return told["held"] == told["parked"] == 0

    await until(all_through)


async def flooded(bench: Bench, *, held_limit_rows: int = 1000) -> tuple[Reader, Recorder]:
    """Let the court's first forty records die, among sound ones of the police."""
    bad = of_court(range(14))
    await bench.publish(*bad, "police-x:1", "police-y:1")
    applier = Recorder(refuses=set(bad))
    reader = await bench.reader(applier, held_limit_rows=held_limit_rows)
    await bench.applied(reader)
    return reader, applier


def in_order(records: list[str], source: str) -> dict[str, list[str]]:
    """Return the records of a source by dispute, in the order of their effects."""
    found: dict[str, list[str]] = {}
    for record in records:
        key, _, _ = record.partition(":")
        if key.startswith(source):
            found.setdefault(key, []).append(record)
    return found


async def test_a_flood_holds_its_source_and_others_go_on(bench: Bench) -> None:
    reader, _ = await flooded(bench)
    assert reader.held() == [COURT]
    await bench.publish("court-a:014", "police-x:2")
    await bench.applied(reader)
    assert sorted(await bench.effects()) == ["police-x:1", "police-x:2", "police-y:1"]
    told = await books(bench, reader)
    assert told == {"applied": 3, "dead": told["dead"], "parked": 0, "held": 43 - told["dead"]}
    assert told["dead"] < 20
    (court,) = await waiting(bench)
    assert (court.source, court.rows, court.letters) == (COURT, told["held"], 0)
    assert court.since is not None
    assert court.reasons == "refused × 20"


async def test_a_hold_outlives_the_process(bench: Bench) -> None:
    reader, applier = await flooded(bench)
    await reader.stop()
    applier.refuses.clear()
    await bench.publish("court-z:1", "police-z:1")
    again = await bench.reader(applier)
    await bench.applied(again)
    assert again.held() == [COURT]
    assert "court-z:1" not in await bench.effects()
    assert "police-z:1" in await bench.effects()


async def test_a_release_applies_what_was_held_in_order_and_once(bench: Bench) -> None:
    reader, applier = await flooded(bench)
    applier.refuses.clear()
    await bench.publish(*of_court(range(14, 18)))
    await bench.applied(reader)
    before = await books(bench, reader)
    assert await let_go(bench) == before["held"]
    # Newer records of the same disputes come while the held ones are on their way.
    await bench.publish(*of_court(range(18, 22)))
    await bench.applied(reader)
    await empty(bench, reader)
    assert reader.held() == []
    found = in_order(await bench.effects(), "court")
    assert found == {key: sorted(records) for key, records in found.items()}
    told = await books(bench, reader)
    assert told == {"applied": 3 * 22 + 2 - before["dead"], "dead": before["dead"], "parked": 0, "held": 0}
    assert len(await bench.effects()) == told["applied"]


async def test_a_worker_that_takes_over_after_a_release_keeps_the_order(bench: Bench) -> None:
    reader, applier = await flooded(bench)
    applier.refuses.clear()
    await reader.stop()
    await let_go(bench)
    await bench.publish(*of_court(range(14, 18)))
    again = await bench.reader(applier)
    await bench.applied(again)
    await empty(bench, again)
    found = in_order(await bench.effects(), "court")
    assert found == {key: sorted(records) for key, records in found.items()}
    assert len(found) == 3


async def test_a_source_that_is_no_better_is_held_again(bench: Bench) -> None:
    reader, _ = await flooded(bench)
    before = await books(bench, reader)
    await let_go(bench)

    async def held_again() -> bool:
        return bool(await waiting(bench)) and (await waiting(bench))[0].since is not None and bool(reader.held())

    await until(held_again)
    told = await books(bench, reader)
    assert told["dead"] + told["held"] == before["dead"] + before["held"] == 42
    assert told["parked"] == 0
    assert told["dead"] < 40
    assert told["held"] > 0
    await bench.publish("police-x:9")
    await bench.applied(reader)
    assert "police-x:9" in await bench.effects()


async def test_what_finds_no_room_is_a_dead_letter_that_a_release_brings_back_in_order(bench: Bench) -> None:
    reader, applier = await flooded(bench, held_limit_rows=10)
    refused = (await letters(bench)).count("refused")
    told = await books(bench, reader)
    assert told["held"] == 10
    assert (await letters(bench)).count(SOURCE_HELD.name) == 42 - refused - 10
    (court,) = await waiting(bench)
    assert (court.rows, court.letters) == (10, 42 - refused - 10)
    applier.refuses.clear()
    assert await let_go(bench) == 42 - refused
    await bench.publish(*of_court(range(14, 16)))
    await bench.applied(reader)
    await empty(bench, reader)
    found = in_order(await bench.effects(), "court")
    assert found == {key: sorted(records) for key, records in found.items()}
    told = await books(bench, reader)
    assert told == {"applied": 48 + 2 - refused, "dead": refused, "parked": 0, "held": 0}


async def test_another_worker_sees_a_hold_and_its_end(bench: Bench, open_store: OpenStore) -> None:
    reader = await bench.reader()
    await bench.publish("court-a:1")
    await bench.applied(reader)
    other = open_store()
    await other.write(lambda tx: hold(tx, JOURNAL.name, COURT, "told by another worker"))

    async def seen() -> bool:
        return reader.held() == [COURT]

    await until(seen)
    await bench.publish("court-a:2", "police-a:1")
    await bench.applied(reader)
    assert "court-a:2" not in await bench.effects()
    # Gone before this worker has looked again: nothing more may be held under it.
    await other.write(lambda tx: release(tx, JOURNAL.name, COURT))
    await bench.publish("court-a:3")
    await bench.applied(reader)
    await empty(bench, reader)
    assert [record for record in await bench.effects() if record.startswith("court")] == [
        "court-a:1",
        "court-a:2",
        "court-a:3",
    ]


async def test_a_producer_whose_batches_cannot_be_read_is_held_with_its_agencies(bench: Bench) -> None:
    reader = await bench.reader()
    await bench.consumer.write(lambda tx: hold(tx, JOURNAL.name, "intake", "undecodable × 20"))

    async def seen() -> bool:
        return reader.held() == ["intake"]

    await until(seen)
    await bench.publish("court-a:1", "b:1")
    await bench.applied(reader)
    assert await bench.effects() == []
    assert [(one.source, one.rows) for one in await waiting(bench)] == [("intake", 1), (COURT, 1)]


async def test_strangers_on_the_topic_hold_nobody_but_are_told(bench: Bench) -> None:
    for index in range(40):
        bench.bus.append(Message(JOURNAL.name, 0, b"k", f"stranger {index}".encode(), ()))
    await bench.publish("court-a:1", "police-a:1")
    reader = await bench.reader()
    await bench.applied(reader)

    async def all_dead() -> bool:
        return len(await letters(bench)) == 40

    await until(all_dead)
    assert sorted(await bench.effects()) == ["court-a:1", "police-a:1"]
    assert reader.held() == [JOURNAL.name]


async def test_a_flood_of_refused_records_is_one_also_among_late_facts(bench: Bench) -> None:
    late, bad = [f"court-a:{n}" for n in range(20)], [f"court-b:{n}" for n in range(40)]
    await bench.publish(*late, *bad)
    reader = await bench.reader(Recorder(late=set(late), refuses=set(bad)))
    await bench.applied(reader)
    assert reader.held() == [COURT]


async def test_bugs_at_many_records_of_one_source_stop_us_twice_and_then_hold_it(bench: Bench) -> None:
    bad = [f"court-{n}:boom" for n in range(40)]
    await bench.publish(*bad, "police-a:1")
    for _ in range(2):
        reader = await bench.reader(Recorder(dies_at=set(bad)))
        assert isinstance(await fault_of(reader), Poisoned)
        await reader.stop()
    reader = await bench.reader(Recorder(dies_at=set(bad)))
    await bench.applied(reader)
    assert await bench.effects() == ["police-a:1"]
    assert reader.held() == [COURT]
    told = await books(bench, reader)
    assert told == {"applied": 1, "dead": 0, "parked": 0, "held": 40}
    await reader.stop()
    # Mended, an operator releases all of them: those that were parked by the bug as well.
    again = await bench.reader()
    await let_go(bench)
    await empty(bench, again)
    assert sorted(await bench.effects()) == sorted([*bad, "police-a:1"])


@pytest.mark.parametrize("source", ["", COURT])
async def test_a_release_lets_a_parked_record_of_a_source_go_on(bench: Bench, source: str) -> None:
    await bench.publish("court-a:boom" if source else "a:boom", "police-a:1")
    for _ in range(2):
        reader = await bench.reader(Recorder(dies_at={"court-a:boom", "a:boom"}))
        await fault_of(reader)
        await reader.stop()
    reader = await bench.reader(Recorder(dies_at={"court-a:boom", "a:boom"}))
    await bench.applied(reader)
    await reader.stop()
    assert [(one.source, one.since, one.reasons) for one in await waiting(bench)] == [
        (source or "intake", None, "bug × 1")
    ]
    again = await bench.reader()
    await let_go(bench, source or "intake")
    await empty(bench, again)
    assert len(await bench.effects()) == 2
