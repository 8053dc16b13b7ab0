"""Every wall has a test that breaks it: planted in a copy of the tree, a violation fails its step of `make check`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tree import ROOT

COPIED = ("hub", "services", "ops", "protos", "tests/support", "tests/unit/house", ".ci", "deploy", "docs")
FILES = ("pyproject.toml", ".importlinter", "buf.yaml", "tests/__init__.py", "tests/conftest.py")
HOUSE = "tests/unit/house/test_house_"


@dataclass(frozen=True)
class Plant:
    """One violation.

    Attributes:
        file: Where, relative to the root; made when it isn't there.
        text: Appended to the file.
        step: Step of .ci/check, or a file of house tests, that must fail.
        says: Part of what it prints.
        removed: Line to take out instead, by its beginning.
    """

    file: str
    text: str
    step: str
    says: str
    removed: str = ""


PLANTS = {
    "drawer in hub": Plant("hub/utils.py", "X = 1\n", "walls", "hub.utils"),
    "drawer in a service": Plant("services/stats/helpers.py", "X = 1\n", "walls", "services.stats.helpers"),
    "faust in a domain": Plant("services/intake/domain/__init__.py", "import faust\n", "walls", "faust"),
    "pydantic in the lifecycle": Plant("hub/lifecycle/__init__.py", "import pydantic\n", "walls", "pydantic"),
    "google in a domain, at second hand": Plant(
        "services/stats/domain/__init__.py", "from hub.wire.stats.v1 import stats_pb2\n", "walls", "google"
    ),
    "grpc in handlers": Plant("services/stats/handlers.py", "import grpc\n", "walls", "grpc"),
    "sibling service": Plant("services/stats/wiring.py", "import services.intake.wiring\n", "walls", "services.intake"),
    "settings in an adapter": Plant(
        "services/stats/adapters/__init__.py", "import services.stats.settings\n", "walls", "settings"
    ),
    "service in the kernel": Plant("hub/web/__init__.py", "import services.intake.domain\n", "walls", "services"),
    "service in the bench": Plant("ops/__init__.py", "import services.stats.domain\n", "walls", "services"),
    "lower room imports upper": Plant("hub/contracts/__init__.py", "import hub.journal\n", "walls", "hub.journal"),
    "sibling rooms": Plant("hub/web/__init__.py", "import hub.rpc\n", "walls", "hub.rpc"),
    "kafka outside streaming": Plant("hub/journal/__init__.py", "import kafka\n", "walls", "kafka"),
    "kafka in the bench": Plant("ops/__init__.py", "import aiokafka\n", "walls", "aiokafka"),
    "field removed": Plant("protos/hub/stats/v1/stats.proto", "", "breaking", "numerator", "  int64 numerator = 3;"),
    "field renumbered": Plant(
        "protos/hub/handoff/v1/handoff.proto", "message X {\n  int64 a = 1;\n}\n", "protos", "comment"
    ),
    "proto without its Python": Plant("protos/hub/stats/v1/stats.proto", "// X.\nmessage X {}\n", "wire", "stats_pb2"),
    "generated code edited": Plant("hub/wire/stats/v1/stats_pb2.py", "X = 1\n", "wire", "stats_pb2"),
    "metric not in the register": Plant(
        "services/stats/wiring.py",
        "\n\ndef f(metrics):\n    metrics.inc('hub_invented_total')\n",
        "metrics",
        "invented",
    ),
    "metric of a dashboard not in the register": Plant(
        "deploy/prometheus/rules.yml", "# hub_invented_total\n", "metrics", "hub_invented_total"
    ),
    "metric built by hand": Plant(
        "services/stats/wiring.py",
        "import prometheus_client\n\nC = prometheus_client.Counter('a', 'b')\n",
        "metrics",
        "C",
    ),
    "engine in a service": Plant(
        "services/intake/wiring.py",
        "import sqlalchemy as sa\n\n\ndef f():\n    sa.create_engine('x')\n",
        "tree",
        "create_engine",
    ),
    "system test that knows us": Plant("tests/system/test_x.py", "import hub.store\n", "tree", "hub.store"),
    "error swallowed": Plant(
        "ops/__init__.py",
        "\n\ndef f():\n    try:\n        f()\n    except Exception:\n        pass\n",
        "tree",
        "ops/__init__",
    ),
    "vague name": Plant("ops/__init__.py", "class DisputeManager: ...\n", "tree", "DisputeManager"),
    "module too long": Plant("ops/long.py", "\n" * 401, "tree", "ops/long.py"),
    "work at import time": Plant(
        "services/stats/wiring.py", "import fastapi\n\nA = fastapi.FastAPI()\n", "imports", "A is"
    ),
    "link to nowhere": Plant("docs/architecture.md", "[x](nowhere.md)\n", "docs", "nowhere.md"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("house")
    for folder in COPIED:
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("requirements/*")]:
        (root / path.relative_to(ROOT)).parent.mkdir(exist_ok=True)
        shutil.copy2(path, root / path.relative_to(ROOT))
    return root


@pytest.fixture
def planted(copy: Path, request: pytest.FixtureRequest) -> Iterator[Plant]:
    plant: Plant = request.param
    path = copy / plant.file
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (before or b"").decode()
    if plant.removed:
        assert plant.removed in text
        text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(plant.removed))
    path.write_text(text + plant.text, encoding="utf-8")
    yield plant
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)


def run_step(copy: Path, step: str) -> subprocess.CompletedProcess[str]:
    bin_dir = Path(sys.executable).parent
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HUB_", "PYTEST_"))}
    house = (copy / f"{HOUSE}{step}.py").exists()
    command = (
        [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"{HOUSE}{step}.py"]
        if house
        else [str(copy / ".ci" / "check"), step]
    )
    return subprocess.run(
        command,
        cwd=copy,
        env={**env, "PATH": f"{bin_dir}:{env['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("step", sorted({plant.step for plant in PLANTS.values()}))
def test_the_copy_passes_unplanted(copy: Path, step: str) -> None:
    done = run_step(copy, step)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("planted", [pytest.param(plant, id=name) for name, plant in PLANTS.items()], indirect=True)
def test_the_wall_holds(copy: Path, planted: Plant) -> None:
    done = run_step(copy, planted.step)
    assert done.returncode != 0, f"{planted.step} did not see it"
    assert planted.says in done.stdout + done.stderr
