"""A process that has stopped ends, with its code and in bounded time, whatever is left in it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

BOUND_S = 15.0
PRELUDE = """
import asyncio, os, signal, sys, threading, time
from hub.errors import Fault
from hub.runtime.process import end, serve

forever = threading.Event()

class Part:
    name = "part"
    async def start(self): pass
    async def stop(self): pass
    async def failed(self): await asyncio.Event().wait()

def by_signal(): os.kill(os.getpid(), signal.SIGTERM)
"""
CASES = {
    "thread": (
        0,
        "threads_left",
        """
class Left(Part):
    async def start(self):
        threading.Thread(target=forever.wait, name="faust-consumer").start()
        by_signal()
""",
    ),
    "thread after a fault": (
        70,
        "faust-consumer",
        """
class Left(Part):
    async def start(self):
        threading.Thread(target=forever.wait, name="faust-consumer").start()
    async def failed(self): raise Fault("log_truncated", "x")
""",
    ),
    "thread of the executor": (
        0,
        "threads_left",
        """
class Left(Part):
    async def start(self):
        self.task = asyncio.get_running_loop().run_in_executor(None, forever.wait)
        by_signal()
""",
    ),
    "task that ignores its end": (
        0,
        "process_stopped",
        """
class Left(Part):
    async def start(self):
        self.task = asyncio.create_task(self.stay())
        by_signal()
    async def stay(self):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
""",
    ),
    "stop that blocks the loop": (
        70,
        "process_stopping",
        """
class Left(Part):
    async def start(self): by_signal()
    async def stop(self): forever.wait()
""",
    ),
    "last words that nobody takes": (
        0,
        "process_stopped",
        """
class Left(Part):
    async def start(self): by_signal()

def work():
    code = serve([Left()], grace_s=0.2)
    _, outlet = os.pipe()
    sys.stdout = os.fdopen(outlet, "w", buffering=2_000_000)
    sys.stdout.write("x" * 1_000_000)
    return code
""",
    ),
    "error after the parts": (
        70,
        "ZeroDivisionError",
        """
class Left(Part):
    async def start(self): by_signal()
work = lambda: serve([Left()], grace_s=0.2) // 0
""",
    ),
}
MAIN = """
end(globals().get("work") or (lambda: serve([Left()], grace_s=0.2)))
"""


def ended(case: str) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + CASES[case][2] + MAIN],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


@pytest.fixture(scope="module")
def all_of_them() -> dict[str, tuple[int, str, float]]:
    """Side by side: most of their time is waiting."""
    with ThreadPoolExecutor(len(CASES)) as pool:
        return dict(zip(CASES, pool.map(ended, CASES), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_it_ends_with_its_code(case: str, all_of_them: dict[str, tuple[int, str, float]]) -> None:
    code, said, seconds = all_of_them[case]
    assert (code, seconds < BOUND_S) == (CASES[case][0], True), said
    assert CASES[case][1] in said


def test_refused_arguments_end_as_they_do_everywhere() -> None:
    script = "import sys\nfrom hub.runtime.process import end\nend(lambda: sys.exit(2))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 2


def test_a_text_that_stdout_has_no_letters_for_is_printed_with_replacements() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.stats", "figures"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert b"?" in done.stdout
    assert done.stdout.isascii()
