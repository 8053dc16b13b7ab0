from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from services.court_bridge.dto import EXAMPLE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    return clean | {
        "HUB_STORE_URL": f"sqlite:///{tmp_path / 'court.db'}",
        "HUB_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "HUB_GRPC_PORT": "0",
        "HUB_HTTP_PORT": str(_free_port()),
        "HUB_KEYS_DIR": str(tmp_path / "keys"),
        "HUB_LOG_FORMAT": "json",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.court_bridge", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_process_serves_without_kafka_and_stops_on_sigterm(environment: dict[str, str], tmp_path: Path) -> None:
    issued = run(environment, "credentials", "add", "--agency", "court-620725", "--county", "620725")
    assert issued.returncode == 0, issued.stderr
    key = issued.stdout.strip()
    assert len(key.split()) == 1
    assert key not in run(environment, "credentials", "list").stdout
    url = f"http://127.0.0.1:{environment['HUB_HTTP_PORT']}"
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.court_bridge"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        with httpx2.Client(base_url=url, headers={"x-api-key": key}) as client:
            _wait_until_served(client, process)
            first = client.post("/v1/cases", json=EXAMPLE)
            assert first.status_code == 201, first.text
            assert client.post("/v1/cases", json=EXAMPLE).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert code == 0, log.read_text()
    assert key not in log.read_text()
    assert str(EXAMPLE["brief"]) not in log.read_text()


def _wait_until_served(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/healthz").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    pytest.fail("the bridge did not come up")


def test_mistakes_are_told_in_a_line_and_an_exit_code(environment: dict[str, str], tmp_path: Path) -> None:
    foreign = run(environment, "credentials", "add", "--agency", "police-620725", "--county", "620725")
    assert (foreign.returncode, foreign.stdout) == (1, "")
    assert "agency_format" in foreign.stderr
    assert run(environment, "frobnicate").returncode == 2
    missing = run(environment | {"HUB_CREDENTIALS_FILE": str(tmp_path / "none.json")})
    assert missing.returncode == 70
    assert "credentials_unreadable" in missing.stderr
    assert "Traceback" not in missing.stderr
    misspelt = run(environment | {"HUB_CREDENTIAL_FILE": "x"})
    assert misspelt.returncode == 2
    assert "HUB_CREDENTIALS_FILE" in misspelt.stderr
