"""What a reader knows of its own places."""

from __future__ import annotations

from hub.streams.envelope import StreamName
from hub.streams.inbox import Places
from hub.streams.judge import StreamPlace

OLD, NOW, NEXT = (StreamName("intake", 3, epoch) for epoch in ("a", "b", "c"))


def test_a_position_is_that_of_the_very_epoch() -> None:
    places = Places(streams={("intake", 3): StreamPlace(NOW, 7, b"")}, closed={OLD: 40})
    assert [places.position(stream) for stream in (OLD, NOW, NEXT)] == [40, 7, 0]


def test_a_stream_of_which_nothing_came_is_at_zero() -> None:
    assert Places().position(NOW) == 0
