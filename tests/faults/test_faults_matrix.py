"""One run of the matrix, which `make faults` plays whole: three real brokers, one of them killed; SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import Rejected
from ops.run.broker import BrokerKind, choose
from tests.faults.rig import ROOT
from tests.support.broker import is_required

KIND = "broker-killed"


@pytest.fixture
def three_brokers() -> None:
    """Only native brokers can be killed and stood behind a proxy."""
    try:
        choice = choose(os.environ)
    except Rejected as missing:
        if is_required():
            pytest.fail(missing.detail)
        pytest.skip(missing.detail)
    if choice.kind is not BrokerKind.NATIVE:
        pytest.skip("the fault matrix runs on native brokers only")


@pytest.mark.kafka
@pytest.mark.usefixtures("three_brokers")
@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_counted_twice_when_a_broker_is_killed(tmp_path: Path) -> None:
    """Seed 1."""
    command = (sys.executable, "-m", "tests.faults", "--store", "sqlite", "--kinds", KIND)
    done = subprocess.run(
        [*command, "--results", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=580, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["runs"], told["lost"], told["double_counted"], told["failed"]) == (1, 0, 0, [])
    assert list(told["kinds"]) == [KIND]
    assert told["acknowledged"] >= 20
    (line,) = (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["faults"], "the run says what was injected"
