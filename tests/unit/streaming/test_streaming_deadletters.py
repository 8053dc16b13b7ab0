"""Dead letters keep the original untouched and say why (conventions 1)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.contracts.topics import HANDOFFS
from hub.errors import Rejected
from hub.journal.ports import FeedRecord
from hub.streaming.deadletters import Cause, dead_letter, origin_of, original

CAUSE = Cause("undecodable", "value is not a Batch", 1, datetime(2024, 3, 1, 8, tzinfo=UTC), "intake 0.1.0")
RECORD = FeedRecord(HANDOFFS.name, 4, 77, b"16", b"\xff\x00", (("ce_id", b"x"), ("ce_id", b"y")), 1)


def delivered(topic: str, key: bytes, value: bytes, headers: object) -> FeedRecord:
    assert isinstance(headers, tuple)
    return FeedRecord(topic, 0, 0, key, value, headers, 2)


def test_the_original_stays_untouched() -> None:
    letter = dead_letter(HANDOFFS, RECORD, CAUSE)
    assert (letter.topic, letter.partition) == (HANDOFFS.dead_letters, 0)
    assert (letter.key, letter.value) == (RECORD.key, RECORD.value)
    assert tuple(letter.headers)[:2] == RECORD.headers


def test_it_says_why_whence_and_how_often() -> None:
    headers = dict(dead_letter(HANDOFFS, RECORD, CAUSE).headers)
    assert {name: value for name, value in headers.items() if name.startswith("dlq_")} == {
        "dlq_reason": b"undecodable",
        "dlq_detail": b"value is not a Batch",
        "dlq_topic": HANDOFFS.name.encode(),
        "dlq_partition": b"4",
        "dlq_offset": b"77",
        "dlq_attempts": b"1",
        "dlq_first_failed_time": b"2024-03-01T08:00:00+00:00",
        "dlq_service_version": b"intake 0.1.0",
    }


def test_reads_its_own_headers_and_gives_the_original_back() -> None:
    letter = dead_letter(HANDOFFS, RECORD, CAUSE)
    record = delivered(letter.topic, letter.key, letter.value, letter.headers)
    origin = origin_of(record)
    assert (origin.topic, origin.partition, origin.offset, origin.cause) == (HANDOFFS.name, 4, 77, CAUSE)
    again = original(record)
    assert (again.topic, again.partition, again.key, again.value) == (HANDOFFS.name, 4, b"16", b"\xff\x00")
    assert again.headers == RECORD.headers


def test_refused_twice_each_header_stands_once() -> None:
    letter = dead_letter(HANDOFFS, RECORD, CAUSE)
    twice = dead_letter(HANDOFFS, delivered(letter.topic, letter.key, letter.value, letter.headers), CAUSE)
    names = [name for name, _ in twice.headers if name.startswith("dlq_")]
    assert len(names) == len(set(names)) == 8


@pytest.mark.parametrize("headers", [(), (("dlq_topic", b"t"),), (("dlq_topic", b"t"), ("dlq_partition", b"x"))])
def test_another_record_is_no_dead_letter(headers: tuple[tuple[str, bytes], ...]) -> None:
    with pytest.raises(Rejected) as raised:
        origin_of(FeedRecord("t", 0, 0, None, None, headers, 0))
    assert raised.value.code == "not_a_dead_letter"
