"""Every wall has a test that breaks it: planted in a copy of the tree, a violation must fail its step of `make check`.

All violations are planted at once and each step runs once; each must be named in what its step prints.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tree import ROOT

FOLDERS = (
    "hub",
    "dispute",
    "bridge",
    "services",
    "ops",
    "bench",
    "protos",
    "tests/unit/house",
    ".ci",
    "deploy",
    "docs",
    "requirements",
)
FILES = ("pyproject.toml", ".importlinter", "buf.yaml", "tests/__init__.py", "tests/conftest.py", "tests/house.py")
SUPPORT = ("__init__.py", "tree.py")
TOOLS = ("walls", "protos", "breaking", "wire")
HOUSE = ("tree", "metrics", "imports", "docs")


@dataclass(frozen=True)
class Plant:
    """One violation.

    Attributes:
        file: Where, relative to the root; made when it isn't there.
        text: Appended to the file.
        step: Step of .ci/check that must fail, or the house tests' file.
        says: Part of what it prints then, and only then.
        removed: Line to take out, by its beginning.
    """

    file: str
    text: str
    step: str
    says: str
    removed: str = ""


SHIELD = "import asyncio\n\n\nasync def f(task):\n    await asyncio.shield(task)\n"
SUPPRESS = (
    "import asyncio, contextlib\n\n\ndef f():\n    with contextlib.suppress(asyncio.CancelledError):\n        f()\n"
)
SWALLOW = "\n\ndef f():\n    try:\n        f()\n    except Exception:\n        pass\n"
ENGINE = "import sqlalchemy as sa\n\n\ndef f():\n    sa.create_engine('x')\n"
COUNT = "\n\ndef f(metrics):\n    metrics.inc('hub_invented_total')\n"

PLANTS = {
    "drawer in hub": Plant("hub/utils.py", "X = 1\n", "walls", "hub.utils"),
    "drawer in a service": Plant("services/stats/helpers.py", "X = 1\n", "walls", "services.stats.helpers"),
    "faust in the law": Plant(
        "services/intake/law/timers.py", "import faust\n", "walls", "services.intake.law.timers -> faust"
    ),
    "pydantic in the lifecycle": Plant(
        "dispute/lifecycle/__init__.py", "import pydantic\n", "walls", "dispute.lifecycle -> pydantic"
    ),
    "pydantic in the divisions": Plant(
        "dispute/codes/divisions.py", "import pydantic\n", "walls", "dispute.codes.divisions -> pydantic"
    ),
    "the lifecycle asks the code lists": Plant(
        "dispute/lifecycle/guards.py",
        "import dispute.codes.divisions\n",
        "walls",
        "dispute.lifecycle.guards -> dispute.codes.divisions",
    ),
    "google in the fold, at second hand": Plant(
        "services/stats/facts/fold.py",
        "import dispute.wire.stats.v1.stats_pb2\n",
        "walls",
        "dispute.wire.stats.v1.stats_pb2 -> google",
    ),
    "grpc in ports": Plant(
        "services/stats/facts/ports.py", "import grpc\n", "walls", "services.stats.facts.ports -> grpc"
    ),
    "a way in, in the dry run": Plant(
        "services/intake/dry_run/simulation.py",
        "import services.intake.inbound.alarms\n",
        "walls",
        "services.intake.dry_run.simulation -> services.intake.inbound.alarms",
    ),
    "a database in the dry run's simulation": Plant(
        "services/intake/dry_run/outcome.py",
        "import sqlalchemy\n",
        "walls",
        "services.intake.dry_run.outcome -> sqlalchemy",
    ),
    "sibling service": Plant(
        "services/stats/wiring.py",
        "import services.intake.wiring\n",
        "walls",
        "services.stats.wiring -> services.intake.wiring",
    ),
    "settings in an adapter": Plant(
        "services/stats/facts/__init__.py",
        "import services.stats.settings\n",
        "walls",
        "services.stats.facts -> services.stats.settings",
    ),
    "service in the kernel": Plant(
        "hub/http/__init__.py", "import services.intake.law\n", "walls", "hub.http -> services.intake.law"
    ),
    "service in the bench": Plant(
        "ops/__init__.py", "import services.stats.figures\n", "walls", "ops -> services.stats.figures"
    ),
    "service in a benchmark": Plant(
        "bench/measure.py", "import services.stats.figures\n", "walls", "bench.measure -> services.stats.figures"
    ),
    "benchmark in the operator's bench": Plant(
        "ops/run/status.py", "import bench.measure\n", "walls", "ops.run.status -> bench.measure"
    ),
    "benchmark in a service": Plant(
        "services/stats/figures/answers.py",
        "import bench.results\n",
        "walls",
        "services.stats.figures.answers -> bench.results",
    ),
    "benchmark in the kernel": Plant(
        "hub/http/app.py", "import bench.machine\n", "walls", "hub.http.app -> bench.machine"
    ),
    "kafka in a benchmark": Plant("bench/results.py", "import kafka\n", "walls", "bench.results -> kafka"),
    "lower room imports upper": Plant(
        "hub/store/__init__.py", "import hub.streams\n", "walls", "hub.store -> hub.streams"
    ),
    "dispute in the platform": Plant(
        "hub/streams/flood.py", "import dispute.lifecycle\n", "walls", "hub.streams.flood -> dispute.lifecycle"
    ),
    "engine in the language": Plant(
        "dispute/contracts/__init__.py", "import bridge.record\n", "walls", "dispute.contracts -> bridge.record"
    ),
    "service in the engine": Plant(
        "bridge/settings.py", "import services.court_bridge\n", "walls", "bridge.settings -> services.court_bridge"
    ),
    "contracts in the calendar": Plant(
        "dispute/calendar/__init__.py", "import dispute.contracts\n", "walls", "dispute.calendar -> dispute.contracts"
    ),
    "acceptance in the results": Plant(
        "bridge/outbound/results.py",
        "import bridge.accepting.ports\n",
        "walls",
        "bridge.outbound.results -> bridge.accepting.ports",
    ),
    "a way in behind the acceptance": Plant(
        "bridge/accepting/ports.py", "import bridge.inbound.rest\n", "walls", "bridge.accepting.ports -> bridge.inbound"
    ),
    "a new room of the engine": Plant("bridge/odd/__init__.py", "", "walls", "bridge.odd"),
    "sibling rooms": Plant("hub/http/__init__.py", "import hub.grpc\n", "walls", "hub.http -> hub.grpc"),
    "kafka outside streaming": Plant("hub/streams/__init__.py", "import kafka\n", "walls", "hub.streams -> kafka"),
    "kafka in the bench": Plant("ops/__init__.py", "import aiokafka\n", "walls", "ops -> aiokafka"),
    "field removed": Plant(
        "protos/hub/stats/v1/stats.proto", "", "breaking", 'name "numerator"', removed="  int64 numerator = 3;"
    ),
    "message without a comment": Plant(
        "protos/hub/handoff/v1/handoff.proto", "message Mute {}\n", "protos", 'Message "Mute" should have'
    ),
    "proto without its Python": Plant(
        "protos/hub/journal/v1/journal.proto", "// More.\nmessage More {}\n", "wire", "journal_pb2.py "
    ),
    "generated code edited": Plant("dispute/wire/police/v1/police_pb2.py", "X = 1\n", "wire", "police_pb2.py "),
    "metric not in the register": Plant("services/stats/wiring.py", COUNT, "metrics", "wiring.py:"),
    "metric of a rule not in the register": Plant(
        "deploy/prometheus/rules.yml", "# hub_dreamt_total\n", "metrics", "hub_dreamt_total"
    ),
    "pydantic in a bridge's record": Plant(
        "services/court_bridge/record.py", "import pydantic\n", "walls", "services.court_bridge.record -> pydantic"
    ),
    "metric built by hand": Plant(
        "services/intake/law/count.py", "import prometheus_client\n", "metrics", "count.py:1 prometheus_client"
    ),
    "engine in a service": Plant("services/intake/law/engine.py", ENGINE, "tree", "engine.py:5"),
    "system test that knows us": Plant("tests/system/test_x.py", "import hub.store\n", "tree", "test_x.py:1 hub.store"),
    "black-box test that knows us": Plant(
        "tests/blackbox/test_x.py", "import hub.store\n", "tree", "test_x.py:1 hub.store"
    ),
    "black-box test that knows our wire": Plant(
        "tests/blackbox/test_y.py", "import dispute.wire.court.v1.court_pb2\n", "tree", "test_y.py:1 dispute.wire.court"
    ),
    "black-box test that imports ours by name": Plant(
        "tests/blackbox/test_z.py", "import_module(f'hub.wire.{X}')\n", "tree", "test_z.py:1 hub.wire."
    ),
    "another's cancellation taken for one's own": Plant("ops/shield.py", SHIELD, "tree", "ops/shield.py:5"),
    "cancellation suppressed": Plant("ops/suppressed.py", SUPPRESS, "tree", "ops/suppressed.py:5"),
    "error swallowed": Plant("ops/swallow.py", SWALLOW, "tree", "ops/swallow.py:6"),
    "vague name": Plant("ops/names.py", "class DisputeManager: ...\n", "tree", "DisputeManager"),
    "module too long": Plant("ops/long.py", "\n" * 401, "tree", "ops/long.py"),
    "module global rebound": Plant("ops/rebound.py", "def f():\n    global X\n    X = 1\n", "tree", "ops/rebound.py:2"),
    "drawer by its name": Plant("ops/common.py", "", "tree", "ops/common.py"),
    "work at import time": Plant("ops/early.py", "import fastapi\n\nA = fastapi.FastAPI()\n", "imports", "A is built"),
    "link to nowhere": Plant("docs/critiques.md", "[x](nowhere.md)\n", "docs", "nowhere.md"),
    "fault without a repair": Plant(
        "ops/fault.py", "from hub.errors import Fault\n\nF = Fault('sky_fell', '')\n", "docs", "sky-fell"
    ),
}


def copy_to(root: Path) -> Path:
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests" / "support").mkdir()
    pages = [path.name for path in ROOT.glob("*.md")]
    for name in (*FILES, *pages, *(f"tests/support/{name}" for name in SUPPORT)):
        shutil.copy2(ROOT / name, root / name)
    return root


def plant_into(root: Path) -> None:
    for plant in PLANTS.values():
        path = root / plant.file
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if plant.removed:
            assert plant.removed in text
            text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(plant.removed))
        path.write_text(text + plant.text, encoding="utf-8")


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HUB_", "PYTEST_"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "500"}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False, timeout=150)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each step prints when everything is planted; empty for a step that passes."""
    root = copy_to(tmp_path_factory.mktemp("planted"))
    plant_into(root)
    tools = run(root, ".ci/check", *TOOLS).stdout
    house = [f"tests/unit/house/test_house_{name}.py" for name in HOUSE]
    tests = run(root, sys.executable, "-m", "pytest", "-vv", "-p", "no:cacheprovider", "--tb=short", *house).stdout
    by_tool = re.split(r"^(?:ok +|FAILS )(\w+) .*\n", tools, flags=re.MULTILINE)
    printed = dict(zip(by_tool[1::2], by_tool[0::2], strict=False))
    return printed | dict.fromkeys(HOUSE, tests)


def test_an_unplanted_copy_passes(tmp_path: Path) -> None:
    done = run(copy_to(tmp_path / "copy"), ".ci/check", *TOOLS)
    assert done.returncode == 0, done.stdout


def test_every_step_fails_when_planted(printed: dict[str, str]) -> None:
    assert set(printed) == {*TOOLS, *HOUSE}
    assert all(printed.values())


@pytest.mark.parametrize("name", PLANTS)
def test_the_wall_holds(printed: dict[str, str], name: str) -> None:
    plant = PLANTS[name]
    assert plant.says in printed[plant.step]
