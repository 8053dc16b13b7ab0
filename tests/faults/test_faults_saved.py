"""The saved runs behind the page: every line counts, red ones too; a control's verdict needs both halves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.faults.__main__ import LINES, parser, plans_of
from tests.faults.control import Control, Half
from tests.faults.promises import ROWS
from tests.faults.save import done_in, main, product, read, summed

ROW = next(row for row in ROWS if row.guard == "slicing")
DEED = next(row for row in ROWS if row.seen_by == "lost")


def line(**told: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of any type
    base = {"kind": "zombie", "store": "sqlite", "commit": "abc", "date": "2026-11-22", "broker": "4.3.1", "seed": 1}
    base |= {"clock": "scenario", "product": "p1", "seconds": 9.0, "problems": []}
    sums = dict.fromkeys(("acknowledged", "commands", "repeats_dropped", "gaps_fetched"), 2)
    return {
        **base,
        **sums,
        "lost": 0,
        "double_counted": 0,
        "longest_stall_s": 1.0,
        "recovery_s": 2.0,
        "ok": True,
        **told,
    }


def test_lines_of_one_kind_and_store_are_summed_and_red_ones_stay() -> None:
    rows = summed([line(), line(seed=2, ok=False, lost=3, longest_stall_s=9.0), line(store="postgres")])
    assert [(row["store"], row["runs"], row["red"], row["lost"]) for row in rows] == [
        ("postgres", 1, 0, 0),
        ("sqlite", 2, 1, 3),
    ]
    assert (rows[1]["seeds"], rows[1]["longest_stall_s"], rows[1]["acknowledged"]) == ({1, 2}, 9.0, 4)


def test_a_row_tells_every_commit_that_ran() -> None:
    (row,) = summed([line(), line(commit="def")])
    assert row["commit"] == {"abc", "def"}


def test_the_file_grows_by_what_it_does_not_hold_yet(tmp_path: Path) -> None:
    lines, saved = tmp_path / "runs.jsonl", tmp_path / "faults.jsonl"
    for upto in (2, 3):
        told = [line(seed=seed, folder="gone", faults=["killed"]) for seed in range(1, upto + 1)]
        lines.write_text("".join(json.dumps(one) + "\n" for one in told), encoding="utf-8")
        assert main([str(lines), "--to", str(saved)]) == 0
    kept = [json.loads(one) for one in saved.read_text(encoding="utf-8").splitlines()]
    assert [one["seed"] for one in kept] == [1, 2, 3]
    assert not {"folder", "faults"} & kept[0].keys()


def test_only_green_runs_of_the_same_product_are_not_missing() -> None:
    told = [line(), line(seed=2, ok=False), line(seed=3, product="p2")]
    assert done_in(told, "p1") == {("zombie", "sqlite", "scenario", 1)}


def test_a_line_from_before_there_was_a_choice_of_clocks_was_played_by_the_scenario_clock(tmp_path: Path) -> None:
    old = line()
    del old["clock"]
    (tmp_path / "old.jsonl").write_text(
        json.dumps(old) + "\n" + json.dumps(line(clock="wall")) + "\n", encoding="utf-8"
    )
    assert [told["clock"] for told in read(tmp_path / "old.jsonl")] == ["scenario", "wall"]


def test_what_is_missing_fills_lives_of_both_stores_in_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.__main__.SAVED", tmp_path / "nothing saved")
    monkeypatch.setattr("tests.faults.__main__.EPISODES", 2)
    green = line(seed=2, kind="zombie", product=product())
    (tmp_path / LINES).write_text(json.dumps(green) + "\n", encoding="utf-8")
    words = ["--kinds", "zombie,kill-stats,pause", "--seeds", "1-3", "--missing", "--results", str(tmp_path)]
    assert list(plans_of(parser().parse_args(words))) == [
        ("sqlite", "scenario", [("kill-stats", 1), ("zombie", 1)]),
        ("postgres", "scenario", [("kill-stats", 1), ("zombie", 1)]),
        ("sqlite", "wall", [("pause", 1), ("pause", 2)]),
        ("postgres", "wall", [("pause", 1), ("pause", 2)]),
        ("sqlite", "scenario", [("kill-stats", 2), ("kill-stats", 3)]),
        ("postgres", "scenario", [("kill-stats", 2), ("zombie", 2)]),
        ("sqlite", "wall", [("pause", 3)]),
        ("postgres", "wall", [("pause", 3)]),
        ("sqlite", "scenario", [("zombie", 3)]),
        ("postgres", "scenario", [("kill-stats", 3), ("zombie", 3)]),
    ]


def test_by_one_clock_all_is_played_that_it_can_play(tmp_path: Path) -> None:
    words = ["--kinds", "zombie,pause,input-late", "--store", "sqlite", "--clock", "wall", "--results", str(tmp_path)]
    assert list(plans_of(parser().parse_args(words))) == [("sqlite", "wall", [("zombie", 1), ("pause", 1)])]


def half(*, guarded: bool, guard: str = "slicing", bitten: bool = True, **told: Any) -> Half:  # noqa: ANN401 - as above
    return Half(guard, "sqlite", guarded=guarded, seed=1, bitten=bitten, **told)


@pytest.mark.parametrize(
    ("halves", "caught"),
    [
        ([half(guarded=True), half(guarded=False, symptoms=["stats ended"])], True),
        ([half(guarded=True), half(guarded=False)], False),
        ([half(guarded=True, problems=["x"]), half(guarded=False, problems=["x"])], False),
        ([half(guarded=True, bitten=False), half(guarded=False, problems=["x"])], False),
        ([half(guarded=True), half(guarded=False, bitten=False, problems=["x"])], False),
        ([half(guarded=False, problems=["x"])], False),
        ([half(guarded=True)], False),
    ],
    ids=["both right", "green without", "red with", "not driven with", "not driven without", "no with", "no without"],
)
def test_a_guard_is_caught_by_two_right_halves_only(tmp_path: Path, halves: list[Half], *, caught: bool) -> None:
    control = Control(tmp_path, Console(quiet=True), 1)
    control.halves = halves
    assert control.caught(ROW) is caught
    assert control.summary([ROW])["guards"] == {"slicing": caught}


def test_a_deed_counts_as_found_by_the_oracle_own_figure_only(tmp_path: Path) -> None:
    control = Control(tmp_path, Console(quiet=True), 1)
    green = half(guarded=True, guard="dropped_record")
    control.halves = [green, half(guarded=False, guard="dropped_record", symptoms=["not level"])]
    assert not control.caught(DEED)
    control.halves = [green, half(guarded=False, guard="dropped_record", lost=1)]
    assert control.caught(DEED)
