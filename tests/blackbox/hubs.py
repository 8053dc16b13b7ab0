"""A hub under test as an agency, an operator and the machine see it: processes, addresses, files.

The services are those of `HUB_UNDER_TEST` (another checkout; this one when it is not set), started one by one beside a
Kafka and stores of their own, so that nothing brings a service back and a test can tell that it ended by itself.
Nothing of ours may be imported: messages are those of `stubs`, compiled from the protos of the tree under test.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs

from tests.blackbox.staff import Staff

HERE: Final = Path(__file__).resolve().parents[2]
BRIDGES: Final = ("court", "police", "petition")
SERVICES: Final = ("court_bridge", "police_bridge", "petition_bridge", "intake", "stats")
NOUN: Final[Mapping[str, str]] = {"court": "cases", "police": "incidents", "petition": "petitions"}
REFERENCE: Final[Mapping[str, str]] = {
    "court": "case_number",
    "police": "incident_number",
    "petition": "petition_number",
}
SIDES: Final[Mapping[str, tuple[str, str]]] = {
    "court": ("plaintiff", "defendant"),
    "police": ("applicant", "respondent"),
    "petition": ("petitioner", "respondent"),
}
COUNTY: Final = "620725"
ZONE: Final = ZoneInfo("Asia/Shanghai")
START_S: Final = 60.0
STOP_S: Final = 30.0
CALL_S: Final = 40.0
RESULT_S: Final = 20.0
LOOK_S: Final = 0.05
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Handed in, because a client would read the authorities' certificates for its own: findings/httpx2-…"""

_numbers = count(int(time.time() * 10) % 10**8 * 100)


def root_under_test() -> Path:
    """Return the checkout whose services are started."""
    return Path(os.environ.get("HUB_UNDER_TEST") or HERE)


def wait_until(what: str, look: Callable[[], bool], deadline_s: float) -> None:
    """Wait in a thread for a condition; the test fails when it does not come."""
    end = time.monotonic() + deadline_s
    while not look():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {deadline_s:.0f} s")
        time.sleep(LOOK_S)


class RunningHub:
    """Five services, their Kafka and their stores.

    Args:
        folder: For everything; the caller removes it.
        store: sqlite or postgres.
        clock: Of intake: wall or scenario.
        env: Service -> more environment variables for it.
    """

    def __init__(
        self, folder: Path, store: str, *, clock: str = "wall", env: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.root = root_under_test()
        self.folder = folder
        self.store = store
        self.staff = Staff(folder / "credentials")
        self._clock = clock
        self._env = {name: dict((env or {}).get(name, {})) for name in SERVICES}
        self._bus: subprocess.Popen[str] | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopped: set[str] = set()
        self.kafka = ""
        self.stores: dict[str, str] = {}
        self.http: dict[str, str] = {}
        self.grpc: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.agency = {bridge: f"{bridge}-{COUNTY}" for bridge in BRIDGES}
        self.noun = NOUN

    # --- life ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start all of it; returns when every service says that it serves."""
        self._bus = self._start_bus()
        run = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        self.kafka, self.stores = run["kafka"], run["stores"]
        keys = json.loads((self.folder / "credentials" / "api-keys.json").read_text(encoding="utf-8"))
        self.keys = {bridge: keys[agency] for bridge, agency in self.agency.items()}
        for name in SERVICES:
            self.grpc[name], self.http[name] = f"127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}"
            self._spawn(name)
        for name in SERVICES:
            wait_until(f"{name} serves", lambda name=name: self._ready(name), START_S)  # type: ignore[misc]

    def open_alone(self, name: str, kafka: str) -> None:
        """Start one service with a new SQLite store on a Kafka of the test's own; does not wait."""
        self.kafka, self.stores = kafka, {name: f"sqlite:///{self.folder / name}.db"}
        self.grpc[name], self.http[name] = f"127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._spawn(name)

    def close(self) -> None:
        """Stop all of it."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes.values():
            _end(process)
        if self._bus is not None:
            self._bus.send_signal(signal.SIGINT)
            _end(self._bus)
            if self._bus.stdout is not None:
                self._bus.stdout.close()

    def _start_bus(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ops", "up", "--bus-only", "--folder", str(self.folder), "--store", self.store]
        started = subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        said: list[str] = []
        for line in started.stdout or ():
            said.append(line)
            if "Ctrl-C" in line:
                return started
        pytest.fail("the Kafka of the hub under test did not start: " + "".join(said))

    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HUB_") or key == "HUB_KAFKA"}
        return kept | {"PYTHONPATH": str(self.root), "PYTHONUNBUFFERED": "1"}

    def _spawn(self, name: str) -> None:
        environment = self._environment() | {
            "HUB_STORE_URL": self.stores[name],
            "HUB_KAFKA_BOOTSTRAP": self.kafka,
            "HUB_GRPC_PORT": self.grpc[name].rpartition(":")[2],
            "HUB_HTTP_PORT": self.http[name].rpartition(":")[2],
            "HUB_KEYS_DIR": str(self.folder / "keys"),
            "HUB_CLOCK": self._clock if name == "intake" else "wall",
            "HUB_LOG_FORMAT": "json",
        }
        if (self.root / "hub" / "access").is_dir():
            environment["HUB_CREDENTIALS_FILE"] = str(self.staff.file())
        elif name.endswith("_bridge"):
            environment["HUB_CREDENTIALS_FILE"] = str(self.folder / "credentials" / "credentials.json")
        path = self.folder / f"{name}.log"
        with path.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.{name}"],
                cwd=self.root,
                env=environment | self._env[name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stopped.discard(name)

    def _ready(self, name: str) -> bool:
        if self._processes[name].poll() is not None:
            pytest.fail(f"{name} ended at its start: {self.log(name)[-2000:]}")
        return self.serving(name)

    def serving(self, name: str) -> bool:
        """Ask a service's gRPC health."""
        with grpc.insecure_channel(self.grpc[name]) as asked:
            try:
                answer = health_pb2_grpc.HealthStub(asked).Check(health_pb2.HealthCheckRequest(), timeout=2.0)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    # --- processes -----------------------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        """Return the process id of a service."""
        return self._processes[name].pid

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a service."""
        self._processes[name].send_signal(number)

    @contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Hold a service still for the time of the block."""
        self.signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(name, signal.SIGCONT)

    def stop(self, name: str) -> int:
        """End a service with SIGTERM; returns its exit code."""
        self._stopped.add(name)
        self._processes[name].terminate()
        return _end(self._processes[name])

    def start(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """Start a service again on the same addresses; `env` replaces what it was given before."""
        if env is not None:
            self._env[name] = dict(env)
        self._spawn(name)
        wait_until(f"{name} serves again", lambda: self._ready(name), START_S)

    def ended(self) -> list[str]:
        """Return the services that ended although nobody told them to."""
        return [n for n, p in self._processes.items() if p.poll() is not None and n not in self._stopped]

    def exit_code(self, name: str) -> int | None:
        """Return how a service ended; None while it runs."""
        return self._processes[name].poll()

    def log(self, name: str) -> str:
        """Return what a service wrote to its log."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def cli(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run `hub …` of the code under test."""
        return subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            cwd=self.root,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    # --- an agency -----------------------------------------------------------------------------------------------

    def record(self, bridge: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Return a complete record with a fresh reference; a petition's limits lie in the past of this year's table."""
        body = _RECORDS[bridge](next(_numbers)) | _matter(bridge)
        if bridge == "petition":
            body["handed_over_at"] = _stamp(_now() - timedelta(days=74))
        return deepcopy(body | changes)

    def ref(self, bridge: str, body: Mapping[str, Any]) -> str:
        """Return a record's reference."""
        return str(body[REFERENCE[bridge]])

    def with_ref(self, bridge: str, body: Mapping[str, Any], ref: str) -> dict[str, Any]:
        """Return the record under another reference."""
        return {**body, REFERENCE[bridge]: ref}

    async def request(self, bridge: str, method: str, path: str, **how: Any) -> httpx2.Response:  # noqa: ANN401 - httpx's
        """Call a bridge's REST interface with the agency's key; `headers` come on top, a value None leaves one out."""
        headers = {"X-API-Key": self.keys[bridge]} | dict(how.pop("headers", None) or {})
        kept = {name: value for name, value in headers.items() if value is not None}
        url = self.http[f"{bridge}_bridge"]
        async with httpx2.AsyncClient(base_url=url, timeout=CALL_S, verify=NO_TLS) as client:
            return await client.request(method, path, headers=kept, **how)

    async def post(self, bridge: str, path: str, **how: Any) -> httpx2.Response:  # noqa: ANN401 - as above
        """POST to a bridge."""
        return await self.request(bridge, "POST", path, **how)

    async def get(self, bridge: str, path: str, **how: Any) -> httpx2.Response:  # noqa: ANN401 - as above
        """GET from a bridge."""
        return await self.request(bridge, "GET", path, **how)

    async def submit(self, bridge: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Hand a record over; returns its receipt."""
        answer = await self.post(bridge, f"/v1/{NOUN[bridge]}", json=body)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def results_of(self, bridge: str, dispute_id: str) -> list[dict[str, Any]]:
        """Return what the agency has been told of one dispute so far, by paging through all of its results."""
        found: list[dict[str, Any]] = []
        cursor = 0
        while True:
            answer = await self.get(bridge, "/v1/results", params={"after": cursor, "limit": 1000})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += [result for result in page["results"] if result["dispute_id"] == dispute_id]
            if not page["results"]:
                return found
            cursor = int(page["next_cursor"])

    async def result_of(self, bridge: str, dispute_id: str, deadline_s: float = RESULT_S) -> list[dict[str, Any]]:
        """Wait for the first results of a dispute; the test fails when none comes in time."""
        end = time.monotonic() + deadline_s
        while True:
            found = await self.results_of(bridge, dispute_id)
            if found:
                return found
            assert time.monotonic() < end, f"no result of {dispute_id} within {deadline_s:.0f} s"
            await asyncio.sleep(0.2)


def _now() -> datetime:
    return datetime.now(ZONE)


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _day(days_ago: int) -> str:
    return (_now() - timedelta(days=days_ago)).date().isoformat()


def _court(number: int) -> dict[str, Any]:
    return {
        "case_number": f"（{_now().year}）甘0725民初{number}号",
        "suit_kind": "civil",
        "procedure": "ordinary",
        "cause_code": "9152",
        "court_received_on": _day(3),
        "amount_fen": 3_200_000,
    }


def _police(number: int) -> dict[str, Any]:
    return {
        "incident_number": f"J{COUNTY}{number}",
        "called_at": _stamp(_now() - timedelta(hours=2)),
        "class_as_called": "dispute",
        "class_as_found": "dispute",
        "place": "清泉镇某村",
    }


def _petition(number: int) -> dict[str, Any]:
    # 60 days from here end before today: no limit reaches a year whose holidays nobody knows yet.
    return {
        "petition_number": f"XF{COUNTY}{number}",
        "registered_on": _day(75),
        "purpose": "request",
        "form": "visit",
        "recurrence": "first",
        "content_class": "990000",
    }


_RECORDS: Final = {"court": _court, "police": _police, "petition": _petition}


def _matter(bridge: str) -> dict[str, Any]:
    return {
        "handed_over_at": _stamp(_now() - timedelta(hours=1)),
        "category": "07",
        "county_code": COUNTY,
        "town_code": f"{COUNTY}101",
        "relation_clarity": "clear",
        "facts_clarity": "clear",
        "consents": [{"role": role, "answer": "given"} for role in SIDES[bridge]],
        "parties": [{"role": SIDES[bridge][0], "name": "甲某"}, {"role": SIDES[bridge][1], "name": "乙公司"}],
        "brief": "因费用发生争执。",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[Any]) -> int:
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(STOP_S)
