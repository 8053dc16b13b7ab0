"""How records are cut into transactions, by what their headers say they hold."""

from __future__ import annotations

import pytest

from hub.streams import plan
from hub.streams.envelope import stated_count
from hub.streams.ports import FeedRecord


def record(offset: int, count: bytes | None) -> FeedRecord:
    headers = (("ce_type", b"x"), ("ce_count", count))
    return FeedRecord("t", 0, offset, None, b"", headers, 0)  # type: ignore[arg-type] # a header may be null


@pytest.mark.parametrize(
    ("count", "stated"), [(b"7", 7), (b"2000", 2000), (b"", 1), (b"-3", 1), (b"x", 1), (None, 1), (b"9" * 5000, 1)]
)
def test_a_header_tells_the_count_or_it_is_one(count: bytes | None, stated: int) -> None:
    assert stated_count(record(0, count).headers) == stated


def test_a_message_without_the_header_counts_as_one() -> None:
    assert stated_count(()) == 1


def test_the_events_limit_rules_however_many_records_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "EVENTS_LIMIT", 10)
    counts = [4, 4, 4, 30, 1, *[1] * 12]
    records = [record(offset, b"%d" % count) for offset, count in enumerate(counts)]
    chunks = list(plan.chunks_of(records))
    assert [[int(stated_count(one.headers)) for one in chunk] for chunk in chunks] == [
        [4, 4],
        [4],
        [30],
        [1] * 10,
        [1] * 3,
    ]
    assert [one for chunk in chunks for one in chunk] == records
    assert list(plan.chunks_of([])) == []
