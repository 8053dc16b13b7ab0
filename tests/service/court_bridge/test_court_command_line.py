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

from hub.access.credential_file import read_file
from ops.run.credentials import make
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
    made = make(tmp_path / "credentials", [("court-620725", "620725")])
    key, environment["HUB_CREDENTIALS_FILE"] = made.keys["court-620725"], str(made.file)
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
    # What it was given is in its store now, as a file that can be given to another.
    printed = run(environment, "credentials")
    assert key not in printed.stdout
    (tmp_path / "printed.json").write_text(printed.stdout)
    assert set(read_file(tmp_path / "printed.json")) == set(read_file(made.file))


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
    assert run(environment, "frobnicate").returncode == 2
    missing = run(environment | {"HUB_CREDENTIALS_FILE": str(tmp_path / "none.json")})
    assert missing.returncode == 70
    assert "credentials_unreadable" in missing.stderr
    assert "Traceback" not in missing.stderr
    misspelt = run(environment | {"HUB_CREDENTIAL_FILE": "x"})
    assert misspelt.returncode == 2
    assert "HUB_CREDENTIALS_FILE" in misspelt.stderr
