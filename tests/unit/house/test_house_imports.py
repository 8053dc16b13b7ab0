"""No work at import time: modules are imported where sockets, files for writing, engines and threads are forbidden."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.tree import OURS, ROOT, modules

PROBE = Path(__file__).with_name("import_probe.py")


def run(names: list[str], path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    return subprocess.run(
        [sys.executable, "-B", str(PROBE), *names],
        cwd=path,
        env={**env, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def importable() -> list[str]:
    """Every module of ours; migrations are no modules, Alembic runs them by path."""
    files = [p.relative_to(ROOT) for p in modules(*OURS) if "migrations" not in p.parts]
    return [".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in files]


def test_importing_does_no_work() -> None:
    done = run(importable())
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_probe_sees_work(tmp_path: Path) -> None:
    bad = {
        "opens": "open('x', 'w')",
        "engine": "import sqlalchemy\nengine = sqlalchemy.create_engine('sqlite://')",
        "listens": "import socket\nsocket.socket().bind(('127.0.0.1', 0))",
        "runs": "import threading\nthreading.Thread(target=print).start()",
        "app": "import fastapi\napp = fastapi.FastAPI()",
    }
    for name, text in bad.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "quiet.py").write_text("import sqlalchemy\nX = 1", encoding="utf-8")
    done = run([*bad, "quiet"], tmp_path)
    assert done.returncode == 1, done.stderr
    assert sorted({line.split(":")[0] for line in done.stdout.splitlines()}) == sorted(bad)
