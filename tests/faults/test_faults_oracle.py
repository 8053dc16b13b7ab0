"""Every check of the oracle fires when its promise is broken, and stays silent on a run in which all went right."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispute.contracts.topics import HANDOFFS, JOURNAL
from dispute.lifecycle import Channel, Instruction
from dispute.wire.journal.v1 import journal_pb2
from hub.wire.stream.v1 import stream_pb2
from tests.faults.county import BRIDGES, LIVES, county, numbered
from tests.faults.evidence import Evidence, Raw
from tests.faults.oracle import judge, readers_did
from tests.faults.rows import Cell, Dead, Head, Registered, StoreRows, Tally, Total, Waiting
from tests.faults.streams import place_of
from tests.support.tree import OURS, ROOT, imported, tree_of

Break = Callable[[Evidence], Evidence]


def rows(evidence: Evidence, service: str, table: str, change: Callable[[list[Any]], list[Any]]) -> Evidence:
    """Change one table of one store."""
    store = evidence.stores[service]
    tables = {**store.tables, table: change(list(store.tables.get(table, ())))}
    return replace(evidence, stores={**evidence.stores, service: StoreRows(service, tables)})


def topic(evidence: Evidence, name: str, change: Callable[[list[Raw]], list[Raw]]) -> Evidence:
    """Change one topic; offsets are given anew."""
    return replace(evidence, raw={**evidence.raw, name: numbered(change(list(evidence.raw.get(name, ()))))})


def journal(evidence: Evidence, change: Callable[[list[Raw]], list[Raw]]) -> Evidence:
    return topic(evidence, JOURNAL.name, change)


def with_offset(raw: Raw, **headers: bytes) -> Raw:
    return raw._replace(headers={**raw.headers, **headers})


def last_of_first_chain(evidence: Evidence) -> int:
    """Index of the last batch of the stream that the first batch belongs to."""
    found = evidence.raw[JOURNAL.name]
    stream = found[0].headers["ce_stream"]
    return max(index for index, raw in enumerate(found) if raw.headers["ce_stream"] == stream)


def longest(evidence: Evidence) -> list[int]:
    """Indices of the batches of the stream with the most of them."""
    found = evidence.raw[JOURNAL.name]
    by_stream: dict[bytes, list[int]] = {}
    for index, raw in enumerate(found):
        by_stream.setdefault(raw.headers["ce_stream"], []).append(index)
    return max(by_stream.values(), key=len)


def without(items: Sequence[Any], index: int) -> list[Any]:
    return [*items[:index], *items[index + 1 :]]


def more(row: Any, **fields: Any) -> Callable[[list[Any]], list[Any]]:  # noqa: ANN401 - rows of any kind
    return lambda found: [row._replace(**fields) if one is row else one for one in found]


def test_a_run_in_which_all_went_right_is_green() -> None:
    verdict = judge(county())
    assert verdict.problems == ()
    assert verdict.ok
    assert (verdict.acknowledged, verdict.registered) == (len(LIVES), len(LIVES))
    assert verdict.events > 40


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(list(LIVES.values())), min_size=1, max_size=12))
def test_any_mix_of_lives_is_green(lives: list[tuple[Channel, tuple[Instruction, ...]]]) -> None:
    verdict = judge(county({f"record-{number}": life for number, life in enumerate(lives)}))
    assert verdict.problems == ()


def dropped_from_the_register(evidence: Evidence) -> Evidence:
    return rows(evidence, "intake", "dispute", lambda found: found[1:])


def dropped_hand_off(evidence: Evidence) -> Evidence:
    return rows(evidence, "intake", "handoff_applied", lambda found: found[1:])


def dropped_receipt(evidence: Evidence) -> Evidence:
    return rows(evidence, "court_bridge", "receipt", lambda found: found[1:])


def dropped_fact(evidence: Evidence) -> Evidence:
    return rows(evidence, "stats", "fact", lambda found: found[1:])


def missing_result(evidence: Evidence) -> Evidence:
    return replace(evidence, results=evidence.results[1:])


def unpublished_end(evidence: Evidence) -> Evidence:
    return journal(evidence, lambda found: without(found, last_of_first_chain(evidence)))


def dropped_command(evidence: Evidence) -> Evidence:
    told = {**evidence.commands[3], "command_id": "carried-out-they-said"}
    return replace(evidence, commands=(*evidence.commands, told))


LOSSES: Mapping[str, tuple[Break, str]] = {
    "an acknowledged record is not in the register": (dropped_from_the_register, "in the register"),
    "a hand-off was passed over": (dropped_hand_off, "was not applied by intake"),
    "a bridge lacks its receipt": (dropped_receipt, "in the store of its bridge"),
    "stats lacks a fact": (dropped_fact, "lacks facts in stats"),
    "an agency was not told": (missing_result, "did not reach"),
    "a command was answered and left no event": (dropped_command, "was carried out, and is not in the journal"),
    "the end of a stream was never published": (unpublished_end, "numbering: intake/"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_is_found(name: str) -> None:
    breaking, words = LOSSES[name]
    verdict = judge(breaking(county()))
    assert not verdict.ok
    assert any(words in problem for problem in verdict.problems), verdict.problems
    assert verdict.lost


def cell_twice(evidence: Evidence) -> Evidence:
    cell = next(row for row in evidence.stores["stats"].of(Cell) if row.measure < 1000 and row.count_ > 0)
    return rows(evidence, "stats", "cell", more(cell, count_=cell.count_ + 1))


def total_twice(evidence: Evidence) -> Evidence:
    total = next(row for row in evidence.stores["stats"].of(Total) if row.count_ > 0)
    return rows(evidence, "stats", "total", more(total, count_=total.count_ + 1))


def fact_too_many(evidence: Evidence) -> Evidence:
    return rows(evidence, "stats", "fact", lambda found: [*found, found[0]._replace(line=9)])


@pytest.mark.parametrize("breaking", [cell_twice, total_twice, fact_too_many])
def test_each_double_count_is_found(breaking: Break) -> None:
    verdict = judge(breaking(county()))
    assert verdict.double_counted == 1
    assert not verdict.ok
    assert verdict.lost == ()


def hole(evidence: Evidence) -> Evidence:
    return journal(evidence, lambda found: without(found, longest(evidence)[1]))


def out_of_order(evidence: Evidence) -> Evidence:
    first, second, *_ = longest(evidence)

    def swap(found: list[Raw]) -> list[Raw]:
        found[first], found[second] = found[second], found[first]
        return found

    return journal(evidence, swap)


def other_content(raw: Raw) -> Raw:
    """The same place with other records and hashes that fit them: what a second writer would send."""
    batch = stream_pb2.Batch.FromString(raw.value or b"")
    event = journal_pb2.JournalEvent.FromString(batch.records[0])
    event.actor_id = "somebody-else"
    batch.records[0] = event.SerializeToString()
    running = batch.hash_before
    for record in batch.records:
        running = hashlib.sha256(running + record).digest()
    return with_offset(raw, ce_hashafter=running.hex().encode())._replace(value=batch.SerializeToString())


def forked_repeat(evidence: Evidence) -> Evidence:
    first = longest(evidence)[0]
    return journal(evidence, lambda found: [*found, other_content(found[first])])


def forked_chain(evidence: Evidence) -> Evidence:
    first = longest(evidence)[0]
    return journal(evidence, lambda found: [*found[:first], other_content(found[first]), *found[first + 1 :]])


def second_epoch(evidence: Evidence) -> Evidence:
    def anew(found: list[Raw]) -> list[Raw]:
        raw = found[longest(evidence)[0]]
        stream = raw.headers["ce_stream"].rpartition(b"/")[0] + b"/00000000"
        return [*found, with_offset(raw, ce_stream=stream)]

    return journal(evidence, anew)


def wrong_partition(evidence: Evidence) -> Evidence:
    moved = evidence.raw[JOURNAL.name][0]
    return journal(evidence, lambda found: [moved._replace(partition=(moved.partition + 1) % 6), *found[1:]])


def head_behind(evidence: Evidence) -> Evidence:
    head = evidence.stores["intake"].of(Head)[0]
    return rows(evidence, "intake", "stream_head", more(head, position=head.position - 1))


def head_forked(evidence: Evidence) -> Evidence:
    head = evidence.stores["intake"].of(Head)[0]
    return rows(evidence, "intake", "stream_head", more(head, hash=bytes(32)))


def wrong_state(evidence: Evidence) -> Evidence:
    row = evidence.stores["intake"].of(Registered)[0]
    return rows(evidence, "intake", "dispute", more(row, state="closed"))


def wrong_sequence(evidence: Evidence) -> Evidence:
    row = evidence.stores["intake"].of(Registered)[0]
    return rows(evidence, "intake", "dispute", more(row, sequence=row.sequence + 1))


def invented_dispute(evidence: Evidence) -> Evidence:
    extra = Registered("a1b2c3d4-0000-5000-8000-000000000000", 1, "registered")
    return rows(evidence, "intake", "dispute", lambda found: [*found, extra])


def reader_behind(evidence: Evidence) -> Evidence:
    seat = evidence.stores["stats"].tables["inbox_stream"][0]
    return rows(evidence, "stats", "inbox_stream", more(seat, position=seat[4] - 1))


def told_twice_differently(evidence: Evidence) -> Evidence:
    return replace(evidence, results=(*evidence.results, {**evidence.results[0], "status": "closed"}))


def told_to_another(evidence: Evidence) -> Evidence:
    line = {**evidence.results[0], "agency": "court-620726"}
    return replace(evidence, results=(line, *evidence.results[1:]))


def told_what_never_was(evidence: Evidence) -> Evidence:
    line = {**evidence.results[0], "event_id": "no-event"}
    return replace(evidence, results=(*evidence.results, line))


def extra_letter(evidence: Evidence) -> Evidence:
    letter = Dead(JOURNAL.name, 0, 0, "intake/0/5f0c9a17", 1, 1, "bad_date")
    return rows(evidence, "stats", "dead_letter", lambda found: [*found, letter])


def parked_record(evidence: Evidence) -> Evidence:
    waiting = Waiting(HANDOFFS.name, "court_bridge/0/5f0c9a17", 1, "x", "bug")
    return rows(evidence, "intake", "parked", lambda found: [*found, waiting])


def poison_unnoticed(evidence: Evidence) -> Evidence:
    return topic(evidence, HANDOFFS.name, lambda found: [*found, Raw(HANDOFFS.name, 0, -1, {}, b"\xff")])


def undecodable_unnoticed(evidence: Evidence) -> Evidence:
    return journal(evidence, lambda found: [*found[:-1], found[-1]._replace(value=b"\xff\xff")])


def wrong_rate(evidence: Evidence) -> Evidence:
    answer = next(one for one in evidence.answers if one.metric == "diversion" and one.channel == "all")
    return replace(evidence, answers=(answer._replace(numerator=answer.numerator + 1),))


def wrong_open(evidence: Evidence) -> Evidence:
    cell = next(row for row in evidence.stores["stats"].of(Cell) if row.measure > 1000 and row.count_ > 0)
    return rows(evidence, "stats", "cell", more(cell, count_=cell.count_ - 1))


def cell_below(evidence: Evidence) -> Evidence:
    cell = next(row for row in evidence.stores["stats"].of(Cell) if row.measure < 1000 and row.count_ > 0)
    return rows(evidence, "stats", "cell", more(cell, count_=cell.count_ - 1))


def total_below(evidence: Evidence) -> Evidence:
    total = next(row for row in evidence.stores["stats"].of(Total) if row.count_ > 0)
    return rows(evidence, "stats", "total", more(total, count_=total.count_ - 1))


def total_lost(evidence: Evidence) -> Evidence:
    return rows(evidence, "stats", "total", lambda found: found[1:])


def lost_in_the_books(evidence: Evidence) -> Evidence:
    return rows(evidence, "stats", "folded", lambda found: found[1:])


def told_other_books(evidence: Evidence) -> Evidence:
    told = {**evidence.books["intake"], ("handoff", "applied"): 0}
    return replace(evidence, books={**evidence.books, "intake": told})


def told_other_receipts(evidence: Evidence) -> Evidence:
    return replace(evidence, books={**evidence.books, "court_bridge": {("handoff", "received"): 99}})


BREAKS: Mapping[str, tuple[Break, str]] = {
    "a position is missing": (hole, "hole: position"),
    "positions come out of order": (out_of_order, "hole: position"),
    "a repeat has other content": (forked_repeat, "came with other content"),
    "the chain breaks": (forked_chain, "fork: hash before"),
    "a second writer": (second_epoch, "second writer"),
    "a record in another partition": (wrong_partition, "wrong partition"),
    "a store that is behind its topic": (head_behind, "numbering: intake/"),
    "a store with another hash": (head_forked, "another hash"),
    "a wrong state": (wrong_state, "state: "),
    "a wrong number of events": (wrong_sequence, "state: "),
    "a dispute from nowhere": (invented_dispute, "state: "),
    "a reader that stands still": (reader_behind, "place: stats"),
    "one event id, two contents": (told_twice_differently, "two contents"),
    "a result of another agency": (told_to_another, "was told as"),
    "a result of no event": (told_what_never_was, "to whom it is no result"),
    "an extra dead letter": (extra_letter, "provoked 0"),
    "a parked record": (parked_record, "for parked, the driver provoked 0"),
    "poison without a letter": (poison_unnoticed, "which is no batch"),
    "an unreadable batch without a letter": (undecodable_unnoticed, "which is no batch"),
    "a wrong rate": (wrong_rate, "rates: diversion"),
    "a wrong number of open ones": (wrong_open, "open: "),
    "a cell below the recount": (cell_below, "cells: "),
    "a total below its cells": (total_below, "totals: "),
    "a total that is not there": (total_lost, "totals: "),
    "books that don't balance": (lost_in_the_books, "balance: journal"),
    "intake tells other books than its rows": (told_other_books, "balance: intake tells"),
    "a bridge tells other books than its rows": (told_other_receipts, "balance: court_bridge tells"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_broken_promise_is_found(name: str) -> None:
    breaking, words = BREAKS[name]
    verdict = judge(breaking(county()))
    assert any(words in problem for problem in verdict.problems), verdict.problems
    assert not verdict.ok


def test_a_letter_that_was_stored_and_never_published_is_found() -> None:
    evidence = replace(extra_letter(county()), expected_dead={"bad_date": 1})
    assert any("stored and not published" in problem for problem in judge(evidence).problems)


def test_a_letter_that_the_driver_provoked_is_no_problem() -> None:
    evidence = poison_unnoticed(county())
    poison = evidence.raw[HANDOFFS.name][-1]
    letter = Dead(HANDOFFS.name, poison.partition, poison.offset, "", 0, 0, "not_a_batch")
    place = {"partition": poison.partition, "offset": poison.offset, "position": 0, "stream": ""}
    headers = {f"dlq_{name}": str(value).encode() for name, value in place.items()}
    published = Raw(f"{HANDOFFS.name}.dlq", 0, 0, headers, b"")
    evidence = replace(evidence, raw={**evidence.raw, published.topic: (published,)})
    assert judge(rows(evidence, "intake", "dead_letter", lambda _: [letter])).ok


def test_a_repeat_with_other_borders_is_no_problem() -> None:
    evidence = county()
    first = longest(evidence)[0]
    again = journal(evidence, lambda found: [*found, found[first]])
    verdict = judge(again)
    assert verdict.problems == ()


def test_what_readers_dropped_and_fetched_since_is_told() -> None:
    def counted(*tallies: Tally) -> Evidence:
        return rows(county(), "stats", "inbox_partition", lambda _: list(tallies))

    before = counted(Tally(JOURNAL.name, 0, 9, 9, 40, 5), Tally(JOURNAL.name, 1, 9, 9, 1, 0))
    after = counted(Tally(JOURNAL.name, 0, 9, 9, 3, 2), Tally(JOURNAL.name, 1, 9, 9, 5, 0))
    assert readers_did(before, None) == {"repeats_dropped": 41, "gaps_fetched": 5}
    assert readers_did(after, before) == {"repeats_dropped": 3 + 4, "gaps_fetched": 2}, "a rebuild began anew with 0"


def test_bridges_of_the_county_are_those_of_the_evidence() -> None:
    assert set(BRIDGES.values()) < set(county().stores)
    assert all(place_of(raw.headers) is not None for raw in county().raw[HANDOFFS.name])


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    waiting, seen = ["tests.faults.oracle"], set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        for name, _ in imported(tree_of(ROOT / f"{module.replace('.', '/')}.py")):
            if name.startswith("tests.faults."):
                waiting.append(name.rpartition(".")[0])
            else:
                wire = name.startswith(("hub.wire.", "dispute.wire."))
                assert wire or name.split(".")[0] not in {*OURS, "tests"}, f"{module} imports {name}"
    assert {"tests.faults.evidence", "tests.faults.recount", "tests.faults.rows"} < seen
