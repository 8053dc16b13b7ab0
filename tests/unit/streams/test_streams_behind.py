"""What lies behind is the log's to bring: marks, holes and their count."""

from __future__ import annotations

from hub.streams.backlog import Backlog


def test_at_its_place_a_record_goes_on() -> None:
    behind = Backlog()
    behind.begin({0: 5})
    assert behind.goes_on(0, 5, 5)
    assert behind.upto(0) == 5


def test_a_repeat_goes_on_to_be_counted_as_one() -> None:
    behind = Backlog()
    behind.begin({0: 900})
    assert behind.goes_on(0, 3, 5)


def test_far_behind_what_the_consumer_brings_only_tells_the_end() -> None:
    behind = Backlog()
    behind.begin({0: 900})
    assert behind.upto(0) == 900
    assert not behind.goes_on(0, 900, 5)
    assert behind.upto(0) == 901
    assert behind.gaps(0, 5, 901) == 0


def test_a_record_above_a_hole_is_let_go_and_the_hole_counts_once() -> None:
    behind = Backlog()
    behind.begin({0: 5})
    assert not behind.goes_on(0, 8, 5)
    assert not behind.goes_on(0, 9, 5)
    assert behind.upto(0) == 10
    assert [behind.gaps(0, 5, 7), behind.gaps(0, 7, 10), behind.gaps(0, 10, 12)] == [2, 1, 0]


def test_a_hole_in_what_comes_while_far_behind_is_a_gap_and_the_rest_is_none() -> None:
    behind = Backlog()
    behind.begin({0: 900})
    for offset in (900, 903, 904):
        assert not behind.goes_on(0, offset, 5)
    assert behind.upto(0) == 905
    assert behind.gaps(0, 5, 905) == 2


def test_a_hole_below_the_beginning_was_never_the_consumers() -> None:
    """One record may slip out before the consumer is sent elsewhere."""
    behind = Backlog()
    assert not behind.goes_on(0, 300, 5)
    behind.begin({0: 900})
    assert behind.gaps(0, 5, 900) == 0


def test_partitions_that_came_or_went_have_no_marks() -> None:
    behind = Backlog()
    for partition in (0, 1):
        behind.dropped(partition, 5, 9)
    behind.forget({0})
    assert (behind.upto(0), behind.upto(1)) == (0, 9)
    assert (behind.gaps(0, 5, 9), behind.gaps(1, 5, 9)) == (0, 4)
