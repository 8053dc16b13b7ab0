"""The collector rests while a service is imported, and is at work again before the service does anything."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import pytest

from hub.runtime import heap

LOOK = """
import gc, json, os, runpy, sys
full = []
gc.callbacks.append(lambda phase, told: full.append(told) if phase == "start" and told["generation"] == 2 else None)
sys.argv = ["services.{name}", "no such command"]
leave = os._exit

def told(code):
    print(json.dumps([code, len(full), gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count()]), flush=True)
    leave(0)

# a bridge refuses its arguments by SystemExit, the others leave as a service leaves
os._exit = told
try:
    runpy.run_module("services.{name}", run_name="__main__", alter_sys=True)
except SystemExit as ended:
    told(ended.code)
"""
READY = """
import asyncio, gc
from hub.runtime import heap, process

class Part:
    name = "part"
    async def start(self):
        self.made = [[] for _ in range(5000)]
        print(gc.get_freeze_count())
    async def stop(self):
        print(gc.get_freeze_count())
    async def failed(self):
        pass

heap.rest()
heap.settle()
asyncio.run(process.run([Part()]))
"""


def _printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", ["court_bridge", "intake", "stats"])
def test_the_collector_rests_while_a_service_is_imported(name: str) -> None:
    code, full, enabled, young, frozen = json.loads(_printed(LOOK.format(name=name)))
    assert (code, full, enabled, young) == (2, 0, True, heap.YOUNG)
    assert frozen > 100_000


def test_what_the_parts_made_when_they_started_is_left_alone_too() -> None:
    imported, ready = (int(line) for line in _printed(READY).splitlines() if line.isdigit())
    assert ready > imported + 5000


def test_a_process_that_never_rested_is_left_as_it_is() -> None:
    before = gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()
    heap.settle()
    assert (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()) == before
