"""How figures are made of samples, and what a machine and a process tell."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench import pace, processes
from bench.machine import commit, facts, file_system
from bench.measure import Sample, interleave, judged, percentile, spread, spreads
from bench.options import command, common
from bench.processes import Peak, Usage, children_of, usage_of


def test_contenders_take_turns() -> None:
    order: list[str] = []

    def contender(name: str) -> Sample:
        order.append(name)
        return {"n": len(order)}

    told: list[str] = []
    samples = interleave({"a": lambda: contender("a"), "b": lambda: contender("b")}, 2, told.append)
    assert order == ["a", "b", "a", "b"]
    assert samples == {"a": [{"n": 1}, {"n": 3}], "b": [{"n": 2}, {"n": 4}]}
    assert told == ["1/2 a", "1/2 b", "2/2 a", "2/2 b"]


def test_spread() -> None:
    assert spread([3, 1, 2]) == {"median": 2, "min": 1, "max": 3, "n": 3}
    assert spread([1, 4])["median"] == 2.5
    with pytest.raises(ValueError, match="no values"):
        spread([])


def test_spreads_keep_what_every_sample_has() -> None:
    assert spreads([{"a": 1, "b": 1}, {"a": 3}]) == {"a": {"median": 2, "min": 1, "max": 3, "n": 2}}


@pytest.mark.parametrize(("q", "expected"), [(1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)])
def test_percentile_is_the_nearest_rank(q: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), q) == expected


def test_percentile_of_few() -> None:
    assert percentile([7], 50) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_target_is_met_or_not() -> None:
    assert judged(8, 8.0)["met"] is True
    assert judged(8, 7.9)["met"] is False
    assert judged(1.1, 1.2, at_most=True) == {"target": 1.1, "reached": 1.2, "met": False}
    assert judged(1.1, 1.1, at_most=True)["met"] is True
    assert judged(8, None) == {"target": 8, "reached": None, "met": False}


def test_options() -> None:
    parser = command("fold", "x", rounds=3)
    assert common(parser.parse_args([])).rounds == 3
    assert common(parser.parse_args(["--quick"])).rounds == 1
    assert common(parser.parse_args(["--quick", "--rounds", "2"])).rounds == 2
    with pytest.raises(SystemExit):
        parser.parse_args(["--rounds", "0"])


def test_the_machine_tells_what_it_is(tmp_path: Path) -> None:
    told = facts(tmp_path)
    assert told["cores"] == len(os.sched_getaffinity(0))
    assert told["memory_bytes"] == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert all(told.values())
    assert file_system(Path("/proc")) == "proc"


def test_a_result_is_dirty_when_code_differs_but_not_when_a_document_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *words], cwd=tmp_path, check=True)

    git("init", "-q")
    for name in ("docs/page.md", "code.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    monkeypatch.setattr("bench.machine.ROOT", tmp_path)
    (tmp_path / "docs" / "page.md").write_text("two")
    clean = commit()
    assert clean.isalnum()
    (tmp_path / "code.py").write_text("two")
    assert commit() == f"{clean}+dirty"


def test_the_pace_of_the_machine_is_seen_all_through(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([50.0, 200.0, 50.0, *[60.0] * 99])
    thrice = threading.Event()

    def turn() -> float:
        found = next(turns)
        if found == 60.0:
            thrice.set()
        return found

    monkeypatch.setattr(pace, "turn_ns", turn)
    with pace.watched(every_s=0.001):
        assert thrice.wait(5)
        seen = pace.turns()
    assert (seen["min"], seen["max"]) == (50.0, 200.0)
    assert seen["n"] >= 4
    with pace.watched():
        assert pace.turns()["n"] == 1, "a block begins anew"


def test_a_turn_is_timed_by_its_own_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([1_000, 1_000 + 48 * pace.TURNS])
    monkeypatch.setattr("bench.pace.time.thread_time_ns", lambda: next(clock))
    assert pace.turn_ns() == 48.0


def test_usage_counts_children_and_ended_ones() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    code = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\nprint('done', flush=True)\ninput()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        with Peak(process.pid, every_s=0.01) as peak:
            assert process.stdout.readline() == b"done\n"
        used = usage_of(process.pid)
        assert used.cpu_s >= 0.3
        assert peak.rss_bytes >= used.rss_bytes > 1024 * 1024
        assert process.pid in children_of(os.getpid())
        process.stdin.close()
    with pytest.raises(ProcessLookupError):
        usage_of(process.pid)
    assert children_of(process.pid) == []


def test_a_peak_outlives_its_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        with Peak(process.pid, every_s=0.01) as peak:
            process.stdin.close()
            process.wait()
    assert peak.rss_bytes > 0


def test_a_process_may_end_within_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own figures are read, then it is gone before its children are asked for."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        own = processes._own

        def and_ends(pid: int) -> Usage:
            found = own(pid)
            process.communicate()
            return found

        monkeypatch.setattr(processes, "_own", and_ends)
        assert usage_of(process.pid).rss_bytes > 0
