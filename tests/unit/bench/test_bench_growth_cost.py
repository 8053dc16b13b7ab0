"""Cost and memory at a size and in tenths, on looks whose answer is known."""

from __future__ import annotations

import pytest

from bench.growth_cost import Point, cost_us, line_through, point_at, sizes, tenths, under_way


def points(count: int, *, dearer_from: int = 10**9, slower: float = 1.0) -> list[Point]:
    """A look every 100 records; a record costs 10 µs, twice that from a point on; 1 MB more at each look.

    From that point on the machine may be slower, too.
    """
    found, cpu_s = [], 1.0
    for number in range(count + 1):
        turn_ns = 40.0 * (slower if number > dearer_from else 1)
        found.append(Point(number * 1.0, number * 100, cpu_s, (100 + number) * 1_000_000, number * 5_000, turn_ns))
        cpu_s += 100 * 10e-6 * (2 if number >= dearer_from else 1)
    return found


def test_a_point_between_looks_lies_on_the_line_and_its_memory_is_the_peak() -> None:
    there = point_at(points(10), 250)
    assert (there.at_s, there.records, there.disk_bytes, there.rss_bytes) == (2.5, 250, 12_500, 103_000_000)


def test_no_look_reaches_that_far() -> None:
    with pytest.raises(ValueError, match="no look"):
        point_at(points(10), 1001)


def test_cost_leaves_out_what_starting_took() -> None:
    assert cost_us(points(10), 0, 1000) == pytest.approx(10)


def test_tenths_show_a_cost_that_grows() -> None:
    slices = tenths(points(50, dearer_from=25))
    assert slices[0].cost_us == pytest.approx(10)
    assert slices[-1].cost_us == pytest.approx(20)
    assert slices[-1].turns == pytest.approx(2 * slices[0].turns)


def test_a_machine_that_became_slower_is_no_cost_that_grows() -> None:
    slices = tenths(points(50, dearer_from=25, slower=2.0))
    assert slices[-1].cost_us == pytest.approx(20)
    assert slices[-1].turns == pytest.approx(slices[0].turns) == 250


def test_a_way_of_few_looks_has_no_tenths() -> None:
    assert tenths(points(10)) == []


def test_the_way_begins_at_the_first_record() -> None:
    waiting = [Point(0.0, 0, 0.5, 1, 0, 40.0), Point(1.0, 0, 1.0, 1, 0, 40.0)]
    assert under_way([*waiting, *points(5)[1:]]) == points(5)[1:]


def test_sizes_beyond_the_way_are_left_out() -> None:
    found = sizes(points(40), (10, 100, 1000), disputes=400)
    assert [size["disputes"] for size in found] == [10, 100]
    assert found[1]["disk_bytes_per_record"] == 50


def test_a_line_never_falls() -> None:
    assert line_through((10, 100), (100, 190), 1000) == 1090
    assert line_through((10, 100), (100, 90), 1000) == 90
