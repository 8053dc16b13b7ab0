"""A long run's rows: what is worked out of them, on rows whose answer is known."""

from __future__ import annotations

import pytest

from bench.processes import Usage
from bench.series import Look, ages_s, cost, memory, rates, rows

MB = 1_000_000


def look(at_s: float, written: int, visible: int, *, cpu_s: float = 0.0, rss_mb: int = 100) -> Look:
    return Look(at_s, written, visible, 0, {"stats": Usage(cpu_s, rss_mb * MB)})


def test_rate_is_what_became_visible_between_two_looks() -> None:
    assert rates([look(0, 0, 0), look(2, 900, 500), look(4, 1500, 1500)]) == [250, 500]


def test_age_is_the_time_since_the_newest_visible_event_was_written() -> None:
    # 500 events had been written at 0.5 s, when the writing is taken as even between looks.
    assert ages_s([look(0, 0, 0), look(1, 1000, 500), look(2, 2000, 1000)]) == [0.0, pytest.approx(0.5), 1.0]


def test_nothing_waiting_is_no_age() -> None:
    assert ages_s([look(0, 100, 100), look(1, 100, 100)]) == [0.0, 0.0]


def test_age_of_what_was_written_before_the_run_counts_from_its_start() -> None:
    assert ages_s([look(0, 100, 0), look(3, 100, 40)]) == [0.0, 3.0]


def test_cost_is_told_in_cores_and_for_each_visible_event() -> None:
    looks = [look(10, 0, 0, cpu_s=5.0), look(20, 0, 1000, cpu_s=10.0)]
    assert cost(looks) == {"stats": {"cores": 0.5, "cpu_us_per_event": 5000.0}}


def test_memory_compares_the_end_with_half_way() -> None:
    looks = [look(n, 0, 0, rss_mb=100 if n < 15 else 150) for n in range(20)]
    assert memory(looks)["stats"] == {"half_way_bytes": 100 * MB, "end_bytes": 150 * MB, "ratio": 1.5}


def test_saved_rows_have_one_row_an_interval() -> None:
    saved = rows([look(0, 0, 0), look(2, 900, 500)])
    assert saved == [
        {"at_s": 2, "events_s": 250, "outbox": 0, "behind": 400, "age_s": pytest.approx(0.89), "rss_mb": {"stats": 100}}
    ]
