"""The page of the benchmarks: every block made of what the benchmarks themselves save, pictures with their words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import fold, growth, page, plots, recovery, sustained
from bench.growth_cost import Point
from bench.measure import Sample
from bench.options import Options
from bench.pictures import pictures
from bench.processes import Usage
from bench.recorder import Recorded
from bench.series import Look
from ops.run.books import Books, Stage

MACHINE = {
    "date": "2026-11-22T00:00:00+00:00",
    "commit": "abc1234",
    "cpu": "some cpu",
    "cores": 2,
    "memory_bytes": 25e9,
    "kernel": "6.1",
    "python": "3.11.7",
    "java": "openjdk 17",
    "file_system": "ext4",
    "turn_ns": {"median": 48.0, "min": 47.0, "max": 215.0, "n": 9},
}
NAMES = ("court_bridge", "police_bridge", "petition_bridge", "intake", "stats", "broker", "driver")
TIMES = {"median": 2.0, "min": 1.5, "max": 6.0, "n": 3}


def of_fold() -> Mapping[str, Any]:
    one: Sample = {"events_s": 100_000.0, "cpu_us": 9.5}
    figures = {500: {name: [one, one] for name in ("hub", "quix", "kafka_streams", "bare_decode", "faust_table")}}
    told = fold.document(Options(1, quick=False, save=False, json=True, folder=None), figures, {500: {}})
    return told | {"machine": MACHINE}


def of_sustained() -> Mapping[str, Any]:
    looks = [
        Look(n * 5.0, n * 20_000, n * 20_000, 0, {name: Usage(n * 0.5, 150_000_000) for name in NAMES})
        for n in range(13)
    ]
    told = {"records": 9, "commands": 60, "results": 7, "refused": {}, "journal": 240_000, "stats": 240_000}
    stage = Stage("handoff", 9, 9, 0, 0, 0, 0, 0, 0, 0)
    wanted = sustained.Wanted(1.0, "sqlite", 1, 5.0, quick=False)
    return sustained.judge(wanted, looks, told, Books((stage,), 0, 0)) | {"machine": MACHINE}


def of_growth() -> Mapping[str, Any]:
    points = [Point(n * 1.0, n * 8_000, 1 + n * 0.1, (120 + n) * 1_000_000, n * 1_000_000, 40.0) for n in range(101)]
    grown = growth.Grown("stats", "county", 100_000, 800_000, Recorded(800_000, 2_000, 1), points, 10**8, 10**8, 0)
    passes = [growth.figures_of(grown)]
    return {"quick": False, "passes": passes, "targets": growth.judge(passes), "machine": MACHINE}


def of_recovery() -> Mapping[str, Any]:
    rebuilt = {"events": 9, "events_a_value": 2, "events_s": 9, "cpu_us_per_event": 9, "from_start_s": 1}
    found = {
        "restarts": {"events": 9, "stores_bytes": 9, "services": {"stats": dict.fromkeys(recovery.TIMES, TIMES)}},
        "hand_overs": {"intake": {"applied_s": TIMES, "relayed_s": TIMES}, "stats": {"applied_s": TIMES}},
        "rebuilds": {"full_speed": rebuilt | {"same_answers": True}},
    }
    return {"quick": False, **found, "targets": recovery.judge(found), "machine": MACHINE}


@pytest.fixture(scope="module")
def saved() -> dict[str, Mapping[str, Any]]:
    made = {"fold": of_fold(), "sustained": of_sustained(), "growth": of_growth(), "recovery": of_recovery()}
    return {name: json.loads(json.dumps(document)) for name, document in made.items()}


def marked() -> str:
    names = ["bench-targets", "bench-machine", *(f"bench-{name}" for name in page.NAMES)]
    names += [f"profile-{name}" for name in page.PROFILES]
    return "".join(f"kept {name}\n<!-- {name}:begin -->\nstale words\n<!-- {name}:end -->\n" for name in names)


def test_every_block_is_made_anew_and_the_text_between_stays(saved: dict[str, Mapping[str, Any]]) -> None:
    text = page.filled(marked(), saved)
    assert "stale words" not in text
    assert all(f"kept bench-{name}" in text for name in page.NAMES)
    assert page.filled(text, saved) == text


def test_a_changed_figure_changes_the_page(saved: dict[str, Mapping[str, Any]]) -> None:
    other = {**saved, "sustained": {**saved["sustained"], "events_s": 1}}
    assert page.filled(marked(), saved) != page.filled(marked(), other)


def test_what_was_not_run_says_so() -> None:
    text = page.filled(marked(), {})
    assert text.count("not run yet") == len(page.NAMES)
    assert "make bench-growth BENCH=--save" in text


def test_a_profile_shows_every_process_and_leaves_out_what_is_small() -> None:
    parts = {"pydantic": 0.5, "kafka": 0.475, "grpc": 0.015, "yarl": 0.01}
    views = {
        "handoff": {"bridge": {"samples": 10, "parts": parts}},
        "handoff-batch": {"bridge": {"parts": {"grpc": 1}}},
    }
    text = page.filled(marked(), {"profile": {"views": views, "machine": MACHINE}})
    assert "| Share of the time under the GIL | bridge | bridge, batch |" in text
    assert "| `grpc` | 2% | 100% |" in text
    assert "| `kafka` | 48% | 0% |" in text
    assert "yarl" not in text
    assert text.count("Not profiled yet") == len(page.PROFILES) - 1


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="bench-targets"):
        page.filled("nothing", {})


def test_a_missed_target_is_told_and_points_to_its_reason(saved: dict[str, Mapping[str, Any]]) -> None:
    assert "| `hand_over_s` | 8 | 6 | yes |" in page.targets(saved)
    assert "| `restart_serving_s` | 5 | 6 | **no**, see [why](#recovery) |" in page.targets(saved)


def test_a_figure_beyond_what_was_run_is_marked(saved: dict[str, Mapping[str, Any]]) -> None:
    (line,) = [line for line in page.targets(saved).splitlines() if "ten_million" in line]
    assert "(extrapolated)" in line


def test_quick_results_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bench-fold.json").write_text(json.dumps({"quick": True}))
    with pytest.raises(ValueError, match="quick run"):
        page.load(tmp_path)


def test_pictures_are_whole_and_say_in_words_what_they_show(saved: dict[str, Mapping[str, Any]]) -> None:
    drawn = {file: one for name, document in saved.items() for file, one in pictures(name, document).items()}
    assert len(drawn) == 6
    for file, one in drawn.items():
        root = ET.fromstring(one.svg)  # noqa: S314 - our own text
        description = root.find("{http://www.w3.org/2000/svg}desc")
        assert description is not None
        assert description.text == one.alternative, file
        assert "prefers-color-scheme: dark" in one.svg


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 9, [0, 2, 4, 6, 8, 10]), (0, 0.9, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, 310_000, [0, 1e5, 2e5, 3e5, 4e5])],
)
def test_ticks_are_round_and_reach_the_highest(low: float, high: float, expected: list[float]) -> None:
    assert plots.ticks(low, high) == expected


@pytest.mark.parametrize(("value", "shown"), [(0.5, "0.5"), (250, "250"), (40_000, "40k"), (1_500_000, "1.5M")])
def test_numbers_on_axes_are_short(value: float, shown: str) -> None:
    assert plots.short(value) == shown


def test_an_axis_by_powers_of_ten_gives_each_power_the_same_room() -> None:
    drawn = plots.lines("t", "a", ("x", "y"), [plots.Line("one", [(50, 30), (500, 300), (5000, 3000)])], log_y=True)
    (points,) = re.findall(r'class="l0" points="([^"]+ [^"]+ [^"]+)"', drawn)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert [tick for tick in ("10", "100", "1k", "10k") if f">{tick}</text>" in drawn] == ["10", "100", "1k", "10k"]


def test_one_point_is_drawn_on_either_kind_of_axis() -> None:
    one = [plots.Line("one", [(100.0, 1.0)])]
    for log in (False, True):
        assert "nan" not in plots.lines("t", "a", ("x", "y"), one, log_x=log, log_y=log)


@pytest.mark.parametrize(("records", "shown"), [(1_000, "–"), (1_000_000, "30")])
def test_a_cost_of_a_few_clock_ticks_is_no_figure(records: int, shown: str) -> None:
    size = {"disputes": 1, "records": records, "rss_mb": 1, "disk_mb": 1, "disk_bytes_per_record": 1}
    one = dict(of_growth()["passes"][0], sizes=[size | {"cpu_us_per_record": 30.0}])
    row = page.growth({"passes": [one]}).splitlines()[2]
    assert row.rstrip(" |").rpartition("| ")[2] == shown
