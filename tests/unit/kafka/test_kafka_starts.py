"""Where a consumer begins: own place, the log's beginning, or past what lies far behind."""

from __future__ import annotations

import pytest

from hub.streams.starts import FAR, start_of


@pytest.mark.parametrize(
    ("place", "first", "end", "start"),
    [
        (7, 0, 7 + FAR, 7),
        (7, 0, 8 + FAR, 8 + FAR),
        (None, 3, 3 + FAR, 3),
        (None, 3, 4 + FAR, 4 + FAR),
        (9, 0, 8, 0),
        (2, 3, 8, 3),
        (8, 0, 8, 8),
        (FAR * 9, 0, FAR * 2, FAR * 2),
    ],
    ids=["near", "far", "new and near", "new and far", "made anew", "truncated", "at the end", "made anew and far"],
)
def test_a_consumer_begins(place: int | None, first: int, end: int, start: int) -> None:
    assert start_of(place, first, end) == start
