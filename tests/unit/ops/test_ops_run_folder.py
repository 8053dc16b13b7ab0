"""One hub in a run folder at a time, and none beside what an earlier one left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from ops.console.exits import CommandError, Exit
from ops.run.launcher import SERVICES, Hub, LaunchPlan, environment_of
from ops.run.run_folder import NAME, Running, clock_of, find, held, left_over, run_folder, write


class NoKafka:
    """A broker that is nobody's process."""

    kind = "external"
    bootstrap = "127.0.0.1:1"
    version = "none"

    def start(self) -> None:
        """Nothing to start."""

    def alive(self) -> bool:
        return True

    def revive(self) -> bool:
        return True

    def stop(self) -> None:
        """Nothing to stop."""


def test_a_second_run_in_the_same_folder_is_refused_before_it_touches_anything(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        (folder / "credentials").mkdir()
        with (
            pytest.raises(CommandError, match=r"runs in this folder already[\s\S]*hub status --run") as refused,
            run_folder(tmp_path),
        ):
            pytest.fail("two hubs in one folder")
        assert refused.value.exit_code is Exit.USAGE
        assert (folder / "credentials").exists()
    with run_folder(tmp_path):
        pass


def test_a_run_keeps_the_clock_it_began_with(tmp_path: Path) -> None:
    assert clock_of(tmp_path) == "wall"
    write(Running(str(tmp_path), 1, "127.0.0.1:1", {}, {}, {}, "scenario"))
    assert clock_of(tmp_path) == "scenario"
    clocks = {name: environment_of(name, tmp_path, "", "", clock_of(tmp_path))["HUB_CLOCK"] for name in SERVICES}
    assert clocks == dict.fromkeys(SERVICES, "wall") | {"intake": "scenario"}


def test_a_run_of_before_runs_had_a_clock_goes_by_the_wall_clock(tmp_path: Path) -> None:
    known = asdict(Running(str(tmp_path), 1, "127.0.0.1:1", {}, {}, {}))
    del known["clock"]
    (tmp_path / NAME).write_text(json.dumps(known))
    assert find(tmp_path).clock == "wall"


def test_a_folder_is_let_go_of_when_its_holder_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ops.run.run_folder import held\n"
        "with held(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(CommandError), held(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with held(tmp_path):
        pass


def left_process() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "600"])


async def test_a_hub_waits_for_what_the_run_before_left_behind(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    said: list[str] = []
    with left_process() as left:
        (tmp_path / "pids" / "stats.pid").write_text(str(left.pid))
        assert left_over(tmp_path) == [left.pid]

        def ended(line: str) -> None:
            said.append(line)
            left.kill()
            left.wait()

        async with Hub(LaunchPlan(tmp_path, bus_only=True), ended, NoKafka()):
            assert left_over(tmp_path) == []
    assert str(left.pid) in said[0]
    (tmp_path / "pids" / "intake.pid").write_text("no number")
    assert left_over(tmp_path) == []
