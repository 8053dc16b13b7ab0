from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.streams.envelope import StreamName
from ops.run.books import Sheet, balance, in_flight, on_its_way, unread

HANDOFFS = StreamName("court_bridge", 3, "e1")
JOURNAL = StreamName("intake", 3, "e2")
BRIDGES = ("court_bridge",)


def sheets() -> dict[str, Sheet]:
    """10 received: 7 applied, 1 dead, 1 on its way, 1 unsent; 20 events: 18 applied, 2 on their way."""
    return {
        "court_bridge": Sheet(
            "court_bridge", {("handoff", "received"): 10, ("handoff", "unsent"): 1}, {HANDOFFS: 10}, {HANDOFFS: 9}, {}
        ),
        "intake": Sheet(
            "intake",
            {
                ("handoff", "applied"): 7,
                ("handoff", "dead"): 1,
                ("handoff", "repeats_dropped"): 4,
                ("journal", "received"): 20,
            },
            {JOURNAL: 20},
            {JOURNAL: 20},
            {HANDOFFS: 8},
        ),
        "stats": Sheet("stats", {("journal", "applied"): 18, ("journal", "gaps_fetched"): 2}, {}, {}, {JOURNAL: 18}),
    }


def test_books_balance_when_everything_is_accounted_for() -> None:
    books = balance(sheets(), BRIDGES)
    assert books.balanced
    handoff, journal = books.stages
    assert (handoff.received, handoff.applied, handoff.dead, handoff.unsent, handoff.in_flight) == (10, 7, 1, 1, 2)
    assert (journal.received, journal.applied, journal.in_flight) == (20, 18, 2)
    assert (books.repeats_dropped, books.gaps_fetched) == (4, 2)
    assert books.as_json()["balanced"] is True


@pytest.mark.parametrize(
    ("service", "entry", "by", "difference"),
    [
        ("intake", ("handoff", "applied"), -1, 1),  # a record got lost between reading and applying
        ("intake", ("handoff", "applied"), +1, -1),  # one was counted twice
        ("court_bridge", ("handoff", "received"), +1, 1),  # acknowledged, but never written to the stream
        ("court_bridge", ("handoff", "unsent"), +1, -1),  # a row that its positions know nothing of
    ],
)
def test_any_miscount_shows(service: str, entry: tuple[str, str], by: int, difference: int) -> None:
    given = sheets()
    entries = dict(given[service].entries)
    entries[entry] = entries.get(entry, 0) + by
    given[service] = replace(given[service], entries=entries)
    books = balance(given, BRIDGES)
    assert books.stages[0].difference == difference
    assert not books.balanced


def test_in_flight_comes_from_positions_not_from_what_is_left() -> None:
    given = sheets()
    given["stats"] = replace(given["stats"], read={JOURNAL: 20})
    books = balance(given, BRIDGES)
    assert books.stages[1].in_flight == 0
    assert books.stages[1].difference == 2


def test_a_stream_that_its_reader_has_not_seen_is_all_in_flight() -> None:
    given = sheets()
    assert in_flight([given["intake"]], replace(given["stats"], read={})) == 20


def test_unread_of_an_older_sheet_is_never_negative() -> None:
    given = sheets()
    assert unread([replace(given["intake"], sent={JOURNAL: 5})], given["stats"]) == 0
    assert unread([given["intake"]], given["stats"]) == 2


THREE = ("court_bridge", "police_bridge", "petition_bridge")


def stream(producer: str) -> StreamName:
    return StreamName(producer, 3, "0000000a")


AT_REST = {
    **{name: Sheet(name, {}, {stream(name): 4}, {stream(name): 4}, {stream("intake"): 9}) for name in THREE},
    "intake": Sheet("intake", {}, {stream("intake"): 9}, {stream("intake"): 9}, {stream(name): 4 for name in THREE}),
    "stats": Sheet("stats", {}, {}, {}, {stream("intake"): 9}),
}


@pytest.mark.parametrize(
    ("name", "change", "waiting"),
    [
        ("intake", {}, 0),
        ("police_bridge", {"read": {stream("intake"): 7}}, 2),
        ("stats", {"read": {}}, 9),
        ("court_bridge", {"written": {stream("court_bridge"): 5}}, 1),
        ("intake", {"read": {stream(name): 4 for name in THREE[1:]}}, 4),
    ],
)
def test_a_hub_is_at_rest_when_nothing_is_unsent_or_unread(name: str, change: dict[str, Any], waiting: int) -> None:
    """Also what only a bridge has not read yet."""
    assert sum(on_its_way({**AT_REST, name: replace(AT_REST[name], **change)}, THREE).values()) == waiting


def test_what_is_on_its_way_is_told_by_name() -> None:
    late = {**AT_REST, "stats": replace(AT_REST["stats"], read={stream("intake"): 4})}
    assert on_its_way(late, THREE) == {"stats unread": 5}
