"""The schedule gives every record one place, samples follow the schedule alone, and rounds are told together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from bench import latency
from bench.latency_arrivals import SAMPLES_S, TICK_S, Schedule, Seen
from bench.options import Options


@pytest.mark.parametrize("records_s", [0.5, 16.1, 50.0, 160.4, 1599.7])
def test_every_record_is_due_once_and_at_its_rate(records_s: float) -> None:
    schedule = Schedule(records_s, 20.0)
    due = [schedule.due(tick) for tick in range(schedule.ticks)]
    assert due[0][0] == 0
    assert all(before[1] == after[0] for before, after in pairwise(due))
    assert due[-1][1] == pytest.approx(records_s * 20, abs=1)
    assert schedule.tick_s >= TICK_S


@pytest.mark.parametrize("records_s", [0.5, 16.1, 160.4, 1599.7])
def test_no_more_than_so_many_ticks_are_followed(records_s: float) -> None:
    schedule = Schedule(records_s, 20.0)
    followed = [tick for tick in range(schedule.ticks) if tick % schedule.every == 0]
    # `every` is rounded, so that at most one and a half times as many are followed
    assert 0 < len(followed) <= 1.5 * SAMPLES_S * 20
    if records_s < SAMPLES_S:
        assert len(followed) == schedule.ticks


def test_samples_of_all_rounds_are_told_together_with_the_rate_reached(tmp_path: Path) -> None:
    def run(wanted: int, visible_s: list[float], settled_s: float) -> latency.Measured:
        seen = Seen(visible_s, [one + 0.01 for one in visible_s], [0.01] * len(visible_s), accepted=10)
        return latency.Measured(wanted, events=wanted * 10, seconds=10.0, settled_s=settled_s, cores=0.5, seen=seen)

    done = [run(500, [0.1] * 99, 0.0), run(5000, [2.0], 10.0), run(500, [0.3], 0.0)]
    document = latency.document_of(done, Options(2, quick=True, save=False, json=True, folder=None), tmp_path)
    at_500, at_5000 = document["figures"]["500"], document["figures"]["5000"]
    assert (at_500["samples"], at_500["p99_ms"], at_500["max_ms"]) == (100, 100.0, 300.0)
    assert at_500["p99_ms_by_round"] == [100.0, 300.0], "the second round was the slow one"
    assert at_500["reached_s"] == 500
    assert at_5000["reached_s"] == 2500
    assert document["targets"]["p99_ms_at_500"] == {"target": 250.0, "reached": 100.0, "met": True}
    assert document["targets"]["p99_ms_at_5000"] == {"target": 1000.0, "reached": 2000.0, "met": False}


def test_a_rate_that_was_not_measured_meets_nothing(tmp_path: Path) -> None:
    done = [latency.Measured(50, 500, 10.0, 0.0, 0.1, Seen([0.1], [0.1], [0.1], 1))]
    document = latency.document_of(done, Options(1, quick=True, save=False, json=True, folder=None), tmp_path)
    assert not document["targets"]["p99_ms_at_500"]["met"]
