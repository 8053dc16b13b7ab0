"""Profiles the hub's processes during a benchmark.

The profile explains a missed target. A benchmark is started as for its figures, py-spy samples the relevant processes
during the load, and the samples are summed by the package that was executing. A profiled run is slower than a measured
one: its shares count, not its rates.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from bench.environment import python, version_of
from bench.machine import ROOT, facts
from bench.measure import Say
from bench.options import Screen, command, common
from bench.results import finish, save
from bench.rig import scratch
from ops.console.exits import CommandError, Exit
from ops.console.output import failing, keep_stdout_clean

SAMPLES_S: Final = 100
LOOP_FRAMES: Final = ("BaseEventLoop._run_once ", "Handle._run ")
"""Frames outside of these belong to the loop's caller, and do not show what the loop is doing."""
LOOP: Final = "event loop, gRPC's core"
IMPORTS: Final = "<frozen importlib"
OURS: Final = {"hub": 2, "dispute": 2, "bridge": 2, "services": 2, "ops": 1, "bench": 1}
"""Our folders, and the number of path parts that form the name of a part."""
BRIDGES: Final = ("court_bridge", "police_bridge", "petition_bridge")


@dataclass(frozen=True, slots=True)
class View:
    """One profile of a benchmark.

    Attributes:
        module: Benchmark under bench.
        arguments: Arguments of its command line.
        mark: Text of the progress line at which the profile begins.
        wait_s: Wait after the mark, until the load is on.
        seconds: Longest time of sampling; the end of a process ends it too.
        processes: Processes to sample.
    """

    module: str
    arguments: tuple[str, ...]
    mark: str
    wait_s: float
    seconds: int
    processes: tuple[str, ...]


VIEWS: Final[Mapping[str, View]] = {
    "fold": View("fold", ("--rounds", "1", "--only", "500"), "1/1 hub", 4.0, 60, ("stats",)),
    "handoff": View("handoff", ("--rounds", "1"), "1/1 unary", 5.0, 7, ("court_bridge",)),
    "handoff-batch": View("handoff", ("--rounds", "1"), "1/1 batch", 5.0, 7, ("court_bridge",)),
    "latency": View("latency", ("--rounds", "1", "--rates", "500"), "1/1 500", 5.0, 20, ("intake", "stats", *BRIDGES)),
    "sustained": View("sustained", ("--minutes", "1"), "events/s visible", 10.0, 30, ("intake", "stats", *BRIDGES)),
}


def part_of(stack: Sequence[str]) -> str | None:
    """Return the package of a sample.

    The innermost frame outside the standard library decides; None for imports.

    Args:
        stack: Frames from the outermost to the innermost, `function (path:line)`.
    """
    if any(IMPORTS in frame for frame in stack):
        return None
    cut = max((at for at, frame in enumerate(stack) if frame.startswith(LOOP_FRAMES)), default=-1)
    for frame in reversed(stack[cut + 1 :]):
        package, *within = frame.rpartition(" (")[2].partition(":")[0].split("/")
        if within and package not in sys.stdlib_module_names:
            return "/".join([package, *within][: OURS.get(package, 1)])
    return LOOP if cut >= 0 else "threads at rest"


def shares_of(lines: Iterable[str]) -> dict[str, Any]:
    """Return the sample count and each part's share.

    The parts are in order, the largest first.

    Args:
        lines: Lines of py-spy's raw form: frames separated by semicolons, a blank, the count.
    """
    counted: Counter[str] = Counter()
    for line in lines:
        frames, _, count = line.rstrip().rpartition(" ")
        # The first entry names the thread.
        part = part_of(frames.split(";")[1:])
        if part is not None:
            counted[part] += int(count)
    samples = counted.total()
    return {"samples": samples, "parts": {part: count / samples for part, count in counted.most_common()}}


def look(view: View, folder: Path, interpreter: Path, say: Say) -> dict[str, Any]:
    """Run a benchmark and sample its processes.

    Returns:
        Process -> what `shares_of` gives.

    Raises:
        CommandError: The benchmark ended early, or a process could not be sampled.
    """
    words = [sys.executable, "-m", f"bench.{view.module}", "--folder", str(folder), *view.arguments]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT) as running:  # noqa: S603 - our own module
        if running.stderr is None or not _seen(running.stderr, view.mark):
            raise CommandError(Exit.TIMED_OUT, f"bench.{view.module} ended before it said {view.mark!r}")
        draining = threading.Thread(target=running.stderr.read, daemon=True)
        draining.start()
        time.sleep(view.wait_s)  # no condition tells that a load is in full swing: the warm-up is a time as well
        say(f"sampling {', '.join(view.processes)}")
        samplers = {name: _sampler(interpreter, folder, name, view.seconds) for name in view.processes}
        for name, (sampler, _) in samplers.items():
            if sampler.wait() != 0:
                raise CommandError(Exit.TIMED_OUT, f"py-spy could not sample {name}: it needs the right to trace")
        say("waiting for the benchmark to end")
        if running.wait() != 0:
            raise CommandError(Exit.TIMED_OUT, f"bench.{view.module} ended with {running.returncode}")
        draining.join()
    return {name: shares_of(file.read_text().splitlines()) for name, (_, file) in samplers.items()}


def _seen(stream: IO[str], mark: str) -> bool:
    """Read up to a line with the mark.

    Only the whole word counts: `unary` is not found in `unary_echo`.
    """
    return any(line.rstrip().endswith(mark) or f"{mark} " in line for line in stream)


def _sampler(interpreter: Path, folder: Path, name: str, seconds: int) -> tuple[subprocess.Popen[bytes], Path]:
    newest = max(folder.rglob(f"{name}.pid"), key=lambda path: path.stat().st_mtime)
    file = folder / f"{name}.samples"
    words = [str(interpreter.parent / "py-spy"), "record", "--pid", newest.read_text().strip(), "--format", "raw"]
    words += ["--output", str(file), "--duration", str(seconds), "--rate", str(SAMPLES_S), "--threads", "--gil"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), file  # noqa: S603 - our own words


def main() -> int:
    """Profile the named benchmarks, or all."""
    parser = command("profile", "Where the time goes in the hub while a benchmark runs.", rounds=1)
    parser.add_argument("--only", nargs="+", choices=VIEWS, help="only these")
    given: argparse.Namespace = parser.parse_args()
    options = common(given)
    screen = Screen(options)
    keep_stdout_clean()
    with failing():
        interpreter = python(screen.say)
        views: dict[str, Any] = {}
        for name in given.only or VIEWS:
            screen.say(f"profile of {name}")
            with scratch(f"profile-{name}", options.folder) as folder:
                views[name] = look(VIEWS[name], folder, interpreter, screen.say)
                machine = facts(folder)
            for process, view in views[name].items():
                rows = [[part, f"{share:.0%}"] for part, share in view["parts"].items() if share >= 0.01]  # noqa: PLR2004 - one percent
                screen.table(f"{name}: {process}, {view['samples']} samples", ("part", "share"), rows)
        document = {
            "benchmark": "profile",
            "quick": options.quick,
            "machine": machine,
            "sampler": version_of(interpreter, "py-spy"),
            "views": views,
        }
        save("profile", document, publish=options.save)
        finish(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
