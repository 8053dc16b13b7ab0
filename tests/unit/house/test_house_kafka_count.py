"""Tests on a real Kafka are counted; without a broker they are skipped at home and fail in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tree import ROOT

SUITE = """
import pytest

@pytest.mark.kafka
def test_with_a_broker(): pass

@pytest.mark.kafka
def test_without(): pytest.skip("no broker")

def test_plain(): pass
"""


@pytest.mark.parametrize(
    ("env", "processes", "code"),
    [
        ({}, "0", 0),
        ({"CI": "true"}, "0", 1),
        ({"HUB_REQUIRE_KAFKA": "1"}, "0", 1),
        ({"HUB_REQUIRE_KAFKA": "0"}, "0", 0),
        ({}, "2", 0),
        ({"CI": "true"}, "2", 1),
    ],
)
def test_the_count_is_printed_and_a_skip_fails_where_a_broker_is_required(
    tmp_path: Path, env: dict[str, str], processes: str, code: int
) -> None:
    (tmp_path / "tests" / "support").mkdir(parents=True)
    for name in ("pyproject.toml", "tests/__init__.py", "tests/conftest.py", "tests/support/__init__.py"):
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "tests" / "unit").mkdir()
    (tmp_path / "tests" / "unit" / "test_suite.py").write_text(SUITE, encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith(("HUB_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", processes, "tests"],
        cwd=tmp_path,
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "real-Kafka tests: 1 passed, 0 failed, 1 skipped" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 passed, 1 skipped")
