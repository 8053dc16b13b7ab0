"""The collector rests while a service is imported, and is at work again before the service does anything."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ops.launcher import SERVICES

LOOK = """
import gc, json, runpy, sys
full = []
gc.callbacks.append(lambda phase, told: full.append(told) if phase == "start" and told["generation"] == 2 else None)
sys.argv = ["services.{name}", "no such command"]
try:
    runpy.run_module("services.{name}", run_name="__main__", alter_sys=True)
except SystemExit as ended:
    print(json.dumps([ended.code, len(full), gc.isenabled(), gc.get_freeze_count()]))
"""


@pytest.mark.parametrize("name", SERVICES)
def test_the_collector_rests_while_a_service_is_imported(name: str) -> None:
    told = subprocess.run([sys.executable, "-c", LOOK.format(name=name)], capture_output=True, text=True, check=True)
    code, full, enabled, frozen = json.loads(told.stdout)
    assert (code, full, enabled) == (2, 0, True)
    assert frozen > 100_000
