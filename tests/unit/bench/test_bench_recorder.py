"""A recorded journal is what intake's relay would have written: gapless, hashed, in batches; whole lives, in order."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import cache
from itertools import pairwise

import pytest

from bench.journal import COUNTY, PROVINCE, Journal
from bench.lives import Life, pool
from bench.machine import ROOT
from bench.recorder import Recorder
from dispute.contracts.codec import event_from_wire
from dispute.contracts.topics import JOURNAL, TOPICS
from dispute.lifecycle import evolve, replay
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Retryable
from hub.streams.envelope import GENESIS, StreamName, place_of, unpack
from hub.streams.memory import MemoryBus, MemoryPublisher, SendMode
from hub.streams.topics import MAX_BATCH_BYTES, partition_of, shard_of

LIVES = ROOT / "scenarios" / "small.yaml"


@cache
def lives() -> tuple[Life, ...]:
    return pool(LIVES)


def decoded(disputes: int, journal: Journal) -> list[tuple[int, journal_pb2.JournalEvent]]:
    return [(shard, journal_pb2.JournalEvent.FromString(record)) for shard, record in journal.of_disputes(disputes)]


def test_each_life_of_the_pool_is_one_that_the_lifecycle_allows() -> None:
    kinds = {event.type for life in lives() for event in life}
    assert {"registered", "accepted", "mediation_refused", "agreed", "failed", "returned", "closed"} <= kinds
    for life in lives():
        state = replay(tuple(event_from_wire(event) for event in life))
        assert state.state == life[-1].to_state


def test_every_dispute_of_the_journal_lives_whole_in_order_and_in_its_shard() -> None:
    found = defaultdict(list)
    for shard, event in decoded(2 * len(lives()), Journal(lives(), COUNTY)):
        assert shard == shard_of(event.dispute_id)
        found[event.dispute_id].append(event)
    assert len(found) == 2 * len(lives())
    assert sorted(map(len, found.values())) == sorted(2 * [len(life) for life in lives()])
    for events in found.values():
        # evolve refuses a hole, a repeat, and a retraction of what was not counted
        dispute = None
        for event in events:
            dispute = evolve(dispute, event_from_wire(event))


def test_the_journal_is_in_order_of_time_over_all_disputes() -> None:
    at = [event.recorded_at.seconds for _, event in decoded(200, Journal(lives(), COUNTY))]
    # a life's own order counts more than the clock of a late record
    behind = sum(before > after for before, after in pairwise(at))
    assert behind <= len(at) / 100
    assert at[-1] - at[0] > 6 * 86_400


def test_a_journal_is_the_same_again_and_another_with_another_seed() -> None:
    first = list(Journal(lives(), PROVINCE).of_disputes(50))
    assert first == list(Journal(lives(), PROVINCE).of_disputes(50))
    assert {event.dispute_id for _, event in decoded(50, Journal(lives(), PROVINCE))}.isdisjoint(
        event.dispute_id for _, event in decoded(50, Journal(lives(), PROVINCE, seed=2))
    )


def test_a_region_has_its_places() -> None:
    events = [event for _, event in decoded(3000, Journal(lives(), COUNTY))]
    assert len({event.dimensions.town_code for event in events}) == COUNTY.towns
    assert len({event.dimensions.village_code for event in events}) >= COUNTY.villages
    assert len({event.dimensions.category for event in events}) == COUNTY.categories
    assert all(event.dimensions.village_code.startswith(event.dimensions.town_code) for event in events)
    assert all(event.dimensions.town_code.startswith(event.dimensions.county_code) for event in events)


def test_what_is_restated_stays_in_the_town_that_it_was_counted_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.lives.CORRECTED", 2)
    corrected = [life for life in pool(LIVES) if life[-1].type == "reclassified"]
    assert corrected
    for _, event in decoded(3, Journal(corrected[:1], COUNTY)):
        for taken in event.retracts:
            assert taken.restated
            assert taken.restated_as.town_code == taken.dimensions.town_code == event.dimensions.town_code
            assert taken.restated_as.village_code == event.dimensions.village_code != taken.dimensions.village_code


@pytest.mark.parametrize("per_value", [1, 10, 500])
def test_recorded_batches_are_numbered_and_hashed_without_a_gap(per_value: int) -> None:
    events = list(Journal(lives(), COUNTY).of_disputes(300))
    bus = MemoryBus(TOPICS)
    recorded = Recorder(MemoryPublisher(bus), per_value=per_value).record(events)
    seen: dict[StreamName, tuple[int, bytes]] = {}
    records: dict[int, list[bytes]] = defaultdict(list)
    counts = []
    for message in bus.records(JOURNAL.name):
        assert message.value is not None
        place = place_of(message.headers)
        position, running = seen.get(place.stream, (0, GENESIS))
        assert (place.first, place.hash_before) == (position + 1, running)
        assert message.partition == partition_of(place.stream.shard, bus.partitions)
        # checks the records against the header's hash
        records[place.stream.shard] += unpack(place, message.value)
        seen[place.stream] = place.last, place.hash_after
        counts.append(place.count)
    for shard in range(24):
        assert records[shard] == [record for own, record in events if own == shard]
    assert recorded.heads == {stream: position for stream, (position, _) in seen.items()}
    assert recorded.events == len(events) == sum(counts)
    assert recorded.values == len(counts)
    assert max(counts) <= per_value
    assert sum(count == per_value for count in counts) >= len(events) // per_value - 24


def test_recording_goes_on_where_it_ended() -> None:
    events = list(Journal(lives(), COUNTY).of_disputes(100))
    bus = MemoryBus(TOPICS)
    recorder = Recorder(MemoryPublisher(bus), per_value=7)
    recorder.record(events[:200])
    assert recorder.record(events[200:]).events == len(events)
    firsts = [place_of(message.headers) for message in bus.records(JOURNAL.name)]
    for shard in range(24):
        own = [place for place in firsts if place.stream.shard == shard]
        assert all(before.last + 1 == after.first for before, after in pairwise(own))


def test_a_value_is_never_larger_than_the_relay_makes_it() -> None:
    bus = MemoryBus(TOPICS)
    recorded = Recorder(MemoryPublisher(bus), per_value=2000).record((0, b"x" * 1000) for _ in range(2000))
    sizes = [len(message.value or b"") for message in bus.records(JOURNAL.name)]
    assert max(sizes) <= MAX_BATCH_BYTES
    assert recorded.values == len(sizes) > 1


def test_a_batch_has_one_to_two_thousand_records() -> None:
    for wrong in (0, 2001):
        with pytest.raises(ValueError, match="records"):
            Recorder(MemoryPublisher(MemoryBus(TOPICS)), per_value=wrong)


async def test_a_refused_message_comes_out() -> None:
    bus = MemoryBus(TOPICS)
    bus.sending = SendMode.REFUSED
    with pytest.raises(Retryable):
        await asyncio.to_thread(Recorder(MemoryPublisher(bus), per_value=1).record, [(0, b"x")])
