"""Rules for the relay (design D1, D3; reliability): each test fails without its guard."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL
from hub.errors import Fault, Refusal, Rejected, Retryable
from hub.refusals import STORE_FULL, STORE_READ_ONLY
from hub.store.store import Store, Transaction
from hub.store.tables import stream_lease
from hub.streams.envelope import GENESIS, StreamName, extend_all, place_of, unpack
from hub.streams.leases import Leases
from hub.streams.memory import SendMode
from hub.streams.outbox import MAX_RECORD_BYTES, Entry, Outbox, records_at
from hub.streams.relay import LINGER_S, LONGEST_LINGER_S, RelayPace
from hub.streams.topics import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, SHARDS, shard_of
from tests.support.journals import Bench, until
from tests.support.stores import OpenStore


def positions(bench: Bench, key: str) -> list[tuple[int, int]]:
    """First and last position of every batch of the key's stream, as it stands in the log."""
    places = [place_of(record.headers) for record in bench.bus.records(JOURNAL.name)]
    return [(place.first, place.last) for place in places if place.stream.shard == shard_of(key)]


async def test_what_was_written_is_published_in_order_with_its_hashes(bench: Bench) -> None:
    await bench.publish("a:1", "a:2")
    await bench.publish("a:3")
    texts = []
    running = GENESIS
    for record in bench.bus.records(JOURNAL.name, bench.partition_of("a")):
        place = place_of(record.headers)
        assert record.value is not None
        assert place.hash_before == running
        records = unpack(place, record.value)
        running = extend_all(running, records)
        texts += [text.decode() for text in records]
    assert texts == ["a:1", "a:2", "a:3"]
    assert positions(bench, "a") == [(1, 2), (3, 3)]


async def test_accepting_goes_on_without_kafka_and_the_relay_heals_alone(bench: Bench) -> None:
    bench.bus.sending = SendMode.DOWN
    await bench.relay()
    await bench.write("a:1")
    await bench.write("a:2")
    assert not await bench.sent()
    bench.bus.sending = SendMode.NORMAL
    await until(bench.sent)
    assert positions(bench, "a")[-1][1] == 2


async def test_a_refused_batch_is_sent_again_from_the_first_unconfirmed_position(bench: Bench) -> None:
    bench.bus.sending = SendMode.REFUSED
    await bench.relay()
    await bench.write("a:1")
    await bench.write("a:2")
    bench.bus.sending = SendMode.NORMAL
    await until(bench.sent)
    assert positions(bench, "a")[0][0] == 1


async def test_a_producer_that_gave_up_a_batch_is_not_used_again(bench: Bench) -> None:
    """It is renewed at once: behind the hole in its numbering it would be silent until the watchdog's time is over."""
    bench.bus.sending = SendMode.REFUSED
    await bench.relay(unconfirmed_limit_s=3600)
    await bench.write("a:1")
    await until(bench.renewed)
    bench.bus.sending = SendMode.NORMAL
    await until(bench.sent)
    assert positions(bench, "a") == [(1, 1)]


async def test_a_relay_names_what_it_waits_for_until_it_sends_again(bench: Bench) -> None:
    relay = await bench.relay()
    bench.bus.sending = SendMode.REFUSED
    await bench.write("a:1")

    async def troubled() -> bool:
        return relay.trouble(0.0) == "bus_unavailable"

    async def well() -> bool:
        return relay.trouble(0.0) == ""

    await until(troubled)
    assert relay.trouble(3600.0) == "", "nothing is late yet"
    bench.bus.sending = SendMode.NORMAL
    await until(bench.sent)
    await until(well)


async def test_a_relay_whose_store_fails_rests_between_its_rounds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it asks a full disk eighty times a second, and tells the log as often."""
    rounds = 0
    several = threading.Event()

    def full(_leases: Leases, _now: float) -> list[object]:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            several.set()
        raise STORE_FULL.error(after_s=0.2)

    monkeypatch.setattr(Leases, "renew", full)
    began = time.monotonic()
    await bench.relay()
    assert await asyncio.to_thread(several.wait, 10)
    assert time.monotonic() - began >= 0.4


async def test_a_wedged_producer_is_abandoned_and_built_anew(bench: Bench) -> None:
    bench.bus.sending = SendMode.HELD
    await bench.relay(unconfirmed_limit_s=0.2)
    await bench.write("a:1")
    await until(bench.renewed)
    bench.bus.sending = SendMode.NORMAL
    await until(bench.sent)
    assert positions(bench, "a") == [(1, 1)]


async def test_a_watcher_that_goes_away_leaves_the_others_theirs(bench: Bench) -> None:
    """A future of the relay's thread that each watcher wraps anew is cancelled with the first of them."""

    begin = threading.Event()

    def broken() -> None:
        begin.wait(10)
        raise Fault("log_ahead", "x")

    relay = await bench.relay(guard=broken)
    leaving, staying = (asyncio.create_task(relay.failed()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    begin.set()
    with pytest.raises(Fault, match="log_ahead"):
        await asyncio.wait_for(staying, 10)


async def test_a_lost_confirmation_repeats_the_same_positions(bench: Bench) -> None:
    bench.bus.sending = SendMode.ACK_LOST
    await bench.relay(unconfirmed_limit_s=0.2)
    await bench.write("a:1")
    await until(bench.renewed)
    bench.bus.sending = SendMode.NORMAL
    await until(bench.sent)
    assert len(positions(bench, "a")) > 1
    assert set(positions(bench, "a")) == {(1, 1)}


async def test_a_batch_is_bounded_in_records_and_bytes(bench: Bench) -> None:
    await bench.write(*[f"a:{n}" for n in range(MAX_BATCH_RECORDS + 10)])
    await bench.write(*["a:" + "x" * 100_000] * 12)
    await bench.relay()
    await until(bench.sent)
    records = bench.bus.records(JOURNAL.name)
    assert max(place_of(record.headers).count for record in records) == MAX_BATCH_RECORDS
    assert max(len(record.value or b"") for record in records) <= MAX_BATCH_BYTES


async def test_a_shard_has_one_relay_and_a_killed_one_is_replaced(bench: Bench) -> None:
    await bench.relay("one")
    await bench.write("a:1")
    await until(bench.sent)
    await bench.relay("two")
    holders = sa.select(stream_lease.c.holder).distinct()
    assert await bench.producer.read(lambda tx: list(tx.scalars(holders))) == ["one"]
    # The first worker is killed: its leases run out.
    await bench.producer.write(lambda tx: tx.execute(sa.update(stream_lease).values(expires_at=0.0, holder="gone")))

    async def taken() -> bool:
        return "gone" not in await bench.producer.read(lambda tx: set(tx.scalars(holders)))

    await until(taken)
    await bench.write("a:2")
    await until(bench.sent)
    assert positions(bench, "a")[-1] == (2, 2)


async def test_a_mark_that_the_store_refused_is_written_once_it_takes_writes_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that was full for seconds must not leave records unsent for ever: Kafka has them."""
    mark, refused = Leases.mark, 0

    def full(leases: Leases, tx: sa.Connection, sent: Mapping[int, int]) -> None:
        nonlocal refused
        if refused < 2:
            refused += 1
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise sa.exc.OperationalError("UPDATE stream_lease", None, error)
        mark(leases, tx, sent)

    monkeypatch.setattr(Leases, "mark", full)
    await bench.relay()
    await bench.write("a:1")
    await until(bench.sent)
    assert refused == 2
    assert await bench.producer.read(bench.outbox.unsent) == 0
    assert positions(bench, "a") == [(1, 1)]


async def test_what_was_written_just_before_a_stop_is_sent(bench: Bench) -> None:
    relay = await bench.relay()
    for number in range(8):
        # Each commit comes soon after the look that found the one before.
        await bench.write(f"{number}:1")
    await relay.stop()
    assert await bench.sent()


async def test_shards_of_one_partition_do_not_wait_for_each_other(bench: Bench) -> None:
    first = shard_of("a")
    others = (f"key-{number}" for number in range(1000))
    beside = next(
        key for key in others if shard_of(key) != first and bench.partition_of(key) == bench.partition_of("a")
    )
    bench.bus.sending = SendMode.HELD
    relay = await bench.relay()
    await bench.write("a:1")

    async def flown(*keys: str) -> bool:
        return relay._flights.keys() == {shard_of(key) for key in keys}

    await until(lambda: flown("a"))
    await bench.write("a:2")
    await bench.write(f"{beside}:1")
    await until(lambda: flown("a", beside))
    assert relay._flights[first].upto == 1, "a stream has one batch on its way"


async def test_what_comes_while_the_relay_lingers_leaves_together(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("LINGER_S", "LONGEST_LINGER_S"):
        monkeypatch.setattr(f"hub.streams.relay.{bound}", 2.0)
    looks: list[int] = []
    heads = bench.outbox.heads

    def looked(tx: Transaction) -> dict[StreamName, int]:
        found = heads(tx)
        if threading.current_thread().name == "relay":
            looks.append(sum(found.values()))
        return found

    monkeypatch.setattr(bench.outbox, "heads", looked)
    await bench.relay()
    await bench.write("a:1")
    await until(bench.sent)
    for number in range(6):
        await bench.write(f"{number}:1")
    await until(bench.sent)
    found = [look for look in looks if look]
    assert found[0] == 1, "the first after a silence leaves at once"
    assert found[1] == 7, "the others are looked at once, and leave together"


def test_a_relay_lingers_by_what_the_service_wrote_in_the_last_full_second() -> None:
    pace, total = RelayPace(), 5_000_000
    pace.note(total, 10.0)
    assert pace.linger_s == LINGER_S  # what it wrote before this process tells nothing
    for records, linger_s in ((200, LINGER_S), (800, 0.1), (9_000, LONGEST_LINGER_S), (1200, 0.15)):
        total += records
        pace.note(total, pace_at := pace._since + 1.0)
        assert pace.linger_s == pytest.approx(linger_s)
        pace.note(total + 99_999, pace_at + 0.5)
        assert pace.linger_s == pytest.approx(linger_s)  # the second is not over


async def test_a_stale_worker_cannot_move_the_mark(bench: Bench) -> None:
    relay = await bench.relay("one")
    await bench.write("a:1")
    await until(bench.sent)
    await bench.producer.write(
        lambda tx: tx.execute(
            sa.update(stream_lease).values(fence=stream_lease.c.fence + 7, holder="two", expires_at=4e9)
        )
    )
    await bench.producer.write(lambda tx: relay._leases.mark(tx, {shard_of("a"): 99}))
    upto = sa.select(stream_lease.c.sent_upto).where(stream_lease.c.shard == shard_of("a"))
    assert await bench.producer.read(lambda tx: tx.scalar(upto)) == 1


async def test_a_restored_store_relays_its_old_epoch_and_then_the_new_one(bench: Bench) -> None:
    await bench.publish("a:1")
    await bench.write("a:2")
    await bench.producer.write(bench.outbox.begin_epoch)
    await bench.write("a:3")
    reader = await bench.reader()
    await bench.relay()
    await until(bench.sent)
    await bench.applied(reader)
    assert await bench.effects() == ["a:1", "a:2", "a:3"]


async def test_what_cannot_be_published_is_not_accepted(store: Store) -> None:
    outbox = Outbox(JOURNAL, "intake", limit_rows=3)
    await store.write(outbox.open)
    with pytest.raises(Rejected, match="record_too_large"):
        await store.write(lambda tx: outbox.append(tx, [Entry("a", b"x" * (MAX_RECORD_BYTES + 1))]))
    await store.write(lambda tx: outbox.append(tx, [Entry("a", b"1"), Entry("b", b"2")]))
    with pytest.raises(Retryable, match="outbox_full"):
        await store.write(lambda tx: outbox.append(tx, [Entry("a", b"3"), Entry("b", b"4")]))
    assert await store.read(outbox.unsent) == 2


async def test_positions_have_no_gaps_after_a_roll_back(store: Store) -> None:
    outbox = Outbox(JOURNAL, "intake")
    await store.write(outbox.open)

    def fail(tx: sa.Connection) -> None:
        outbox.append(tx, [Entry("a", b"lost")])
        raise Refusal("no").error()

    with pytest.raises(Rejected):
        await store.write(fail)
    (written,) = await store.write(lambda tx: outbox.append(tx, [Entry("a", b"kept")]))
    assert written.position == 1
    assert await store.read(lambda tx: records_at(tx, {"a": [1]})) == {"a": [b"kept"]}


async def test_two_workers_that_open_a_new_store_at_once_share_its_first_epoch(open_store: OpenStore) -> None:
    first, second = open_store(), open_store()
    outbox = Outbox(JOURNAL, "intake")
    opened, looked = threading.Event(), threading.Event()
    if second.dialect == "sqlite":
        looked.set()  # its second writer waits before it looks: there is no race

    def open_and_wait(tx: sa.Connection) -> None:
        outbox.open(tx)
        opened.set()
        assert looked.wait(20), "the other worker never looked"

    def on_look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM stream_head" in statement:
            looked.set()

    sa.event.listen(second.engine, "after_cursor_execute", on_look)
    winner = first.submit(open_and_wait)
    await asyncio.to_thread(opened.wait)
    await second.write(outbox.open)
    winner.result()
    heads = await first.read(outbox.heads)
    assert len(heads) == len({stream.shard for stream in heads}) == SHARDS
    assert len({stream.epoch for stream in heads}) == 1
    assert await second.read(outbox.heads) == heads


async def test_a_stop_while_the_store_takes_no_writes_is_a_clean_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = await bench.relay()
    await bench.write("a:1")
    await until(bench.sent)

    def refuse(_leases: Leases) -> None:
        raise STORE_READ_ONLY.error()

    monkeypatch.setattr(Leases, "release", refuse)
    await relay.stop()
    # The bus has everything, the leases run out by themselves: no failure ends the process with another exit code.
    assert not relay._failure.done()
