"""`hub demo` on the clock that a county uses, while every service is killed and stopped for seconds again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.blackbox.hubs import root_under_test


def test_today_comes_out_on_the_wall_clock_under_kill_9_and_pauses(tmp_path: Path) -> None:
    """Seed 3; every record is of the last two days."""
    told = ("demo", "--scenario", "scenarios/today.yaml", "--clock", "wall", "--chaos", "3", "--json")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HUB_") or key == "HUB_KAFKA"}
    done = subprocess.run(
        [sys.executable, "-m", "ops", *told, "--folder", str(tmp_path / "run")],
        cwd=root_under_test(),
        env=kept | {"PYTHONPATH": str(root_under_test())},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["pauses"] >= 7
    assert len({kill["service"] for kill in document["kills"]}) == 5
    assert document["books"]["balanced"] is True
    (diversion,) = [r for r in document["rates"] if (r["channel"], r["metric"]) == ("all", "diversion")]
    assert (diversion["numerator"], diversion["denominator"]) == (44, 58)
