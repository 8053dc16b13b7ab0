"""Benchmark B2 measures durable hand-offs at a bridge.

It compares hand-offs per second at one bridge process with bare servers that only echo the same message. The bridge is
the court's, as it runs in production: credential, checks, sealing, receipt and outbox row in one durable commit, while
its relay publishes to a real broker. Bare grpc.aio and bare FastAPI on uvicorn get the same messages from the same
callers, in turn (A B A B). In all cases the server has one core, and callers and broker have the others. At the end the
bridge is killed, and every acknowledged record must be in its store and its outbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench import handoff_stamps
from bench.handoff_callers import Orders
from bench.handoff_echo import METHOD, PATH
from bench.lands import COUNTY
from bench.machine import ROOT, facts
from bench.measure import Sample, interleave, judged, spreads
from bench.options import Options, Screen, command, common
from bench.results import finish, save
from bench.rig import broker, scratch, single
from ops.console.exits import CommandError, Exit
from ops.console.output import failing, keep_stdout_clean
from ops.run.children import Child
from ops.run.credentials import make

AGENCY: Final = (f"court-{COUNTY}", COUNTY)
SUBMIT: Final = "/hub.court.v1.CourtBridgeService/Submit"
BATCH_CALL: Final = "/hub.court.v1.CourtBridgeService/SubmitBatch"
CASES: Final = "/v1/cases"
CALLERS: Final = 256
BATCH: Final = 500
BATCH_CALLERS: Final = 4
SECONDS, WARM_S = 10.0, 3.0
QUICK_SECONDS, QUICK_WARM_S = 2.0, 1.0
NUMBERS_A_RUN: Final = 100_000_000
FSYNCS: Final = 200
TARGET_UNARY: Final = 0.70
TARGET_BATCH: Final = 8000.0
COLUMNS: Final = ("server", "records/s", "CPU µs/record", "p50 ms", "p99 ms", "server cores", "callers' cores")


@dataclass(frozen=True, slots=True)
class Cores:
    """Processor cores of the server and the others.

    The server runs on the first core, everything else on the others.
    """

    server: list[int]
    others: list[int]

    @classmethod
    def split(cls) -> Cores:
        """Split the cores of this process.

        On a machine with one core, all share it.
        """
        first, *others = sorted(os.sched_getaffinity(0))
        return cls([first], others or [first])


def pin(pid: int, cores: list[int]) -> None:
    """Bind a process and its threads to cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


@contextmanager
def echo(kind: str, cores: list[int]) -> Iterator[tuple[int, int]]:
    """Run a bare server.

    Yields its process id and port.
    """
    command_line = [sys.executable, "-m", "bench.handoff_echo", kind]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 - our own module
        if process.stdin is None or process.stdout is None:
            raise CommandError(Exit.TIMED_OUT, "the echo server has no pipes")
        port = int(process.stdout.readline())
        pin(process.pid, cores)
        try:
            yield process.pid, port
        finally:
            process.stdin.close()


@contextmanager
def bridge(child: Child, cores: list[int]) -> Iterator[int]:
    """Run the bridge until it is killed.

    Yields its process id. It ends by SIGKILL: all that it acknowledged must be stored nevertheless.
    """
    child.start()
    try:
        asyncio.run(child.wait_ready())
        pid = child.pid()
        if pid is None:
            raise child.obituary()
        pin(pid, cores)
        yield pid
    finally:
        child.kill()
        asyncio.run(child.wait_ended())


class Calling:
    """Runs the callers.

    Each run has a new process and record numbers of its own.
    """

    def __init__(self, folder: Path, cores: list[int], *, quick: bool) -> None:
        self._folder = folder
        self._cores = cores
        self._times = (QUICK_WARM_S, QUICK_SECONDS) if quick else (WARM_S, SECONDS)
        self._runs = 0

    def orders(self, kind: str, target: str, path: str, server: int, *, api_key: str = "") -> Orders:
        """Return the callers' orders.

        With a credential the server is a bridge, which gives receipts.
        """
        warm_s, seconds = self._times
        return Orders(
            kind=kind,
            target=target,
            path=path,
            api_key=api_key,
            callers=BATCH_CALLERS if kind == "batch" else CALLERS,
            batch=BATCH,
            warm_s=warm_s,
            seconds=seconds,
            first=0,
            server=server,
            patterns=str(self._folder),
            receipts="",
            cores=self._cores,
        )

    def run(self, orders: Orders) -> Sample:
        """Run the callers once and return the sample.

        Raises:
            CommandError: They ended; their output is on stderr.
        """
        self._runs += 1
        receipts = str(self._folder / f"receipts-{self._runs}") if orders.api_key else ""
        numbered = replace(orders, first=self._runs * NUMBERS_A_RUN, receipts=receipts)
        done = subprocess.run(
            [sys.executable, "-m", "bench.handoff_callers"],
            input=json.dumps(asdict(numbered)).encode() + b"\n",
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=False,
        )
        if done.returncode != 0:
            raise CommandError(Exit.TIMED_OUT, f"the callers ended with {done.returncode}; their words are above")
        sample: dict[str, float] = json.loads(done.stdout)
        return sample

    def acknowledged(self) -> list[str]:
        """Return the receipts of all runs so far."""
        return [line for path in self._folder.glob("receipts-*") for line in path.read_text().split()]


def checked(store: Path, acknowledged: list[str]) -> dict[str, int]:
    """Compare the callers' receipts with a store.

    No other process may have the store open.

    Returns:
        `acknowledged` receipts, how many of them are `distinct`, and how many the store or its outbox has `lost`.
    """
    given = set(acknowledged)
    with sqlite3.connect(store) as opened:
        disputes = dict(opened.execute("SELECT receipt_id, dispute_id FROM receipt"))
        waiting = {key for (key,) in opened.execute("SELECT key FROM outbox")}
    lost = sum(1 for one in given if disputes.get(one) not in waiting)
    return {"acknowledged": len(acknowledged), "distinct": len(given), "stored": len(disputes), "lost": lost}


def fsync_ms(folder: Path) -> float:
    """Return the median time of fsync in milliseconds.

    It is the time of a small append with fsync in the store's folder.
    """
    took: list[float] = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(FSYNCS):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1e3


def measured(options: Options, folder: Path, screen: Screen) -> tuple[dict[str, list[Sample]], dict[str, int]]:
    """Measure all servers.

    Returns the samples of each server, and the check of the receipts.
    """
    cores = Cores.split()
    credentials = make(folder / "credentials", [AGENCY])
    patterns = folder / "patterns"
    patterns.mkdir(exist_ok=True)
    handoff_stamps.write_patterns(patterns)
    calling = Calling(patterns, cores.others, quick=options.quick)
    key = credentials.keys[AGENCY[0]]
    with ExitStack() as stack:
        kafka = stack.enter_context(broker(folder, screen.say))
        for kept in (folder / "kafka").glob("*/broker.pid"):
            pin(int(kept.read_text()), cores.others)
        child = single("court_bridge", folder, kafka.bootstrap)
        pid = stack.enter_context(bridge(child, cores.server))
        grpc_pid, grpc_port = stack.enter_context(echo("grpc", cores.server))
        http_pid, http_port = stack.enter_context(echo("http", cores.server))
        ours, web = child.grpc_address, child.http_url.removeprefix("http://")
        orders = {
            "unary_echo": calling.orders("unary", f"127.0.0.1:{grpc_port}", METHOD, grpc_pid),
            "unary": calling.orders("unary", ours, SUBMIT, pid, api_key=key),
            "rest_echo": calling.orders("http", f"127.0.0.1:{http_port}", PATH, http_pid),
            "rest": calling.orders("http", web, CASES, pid, api_key=key),
            "batch": calling.orders("batch", ours, BATCH_CALL, pid, api_key=key),
        }
        contenders = {name: partial(calling.run, order) for name, order in orders.items()}
        samples = interleave(contenders, options.rounds, screen.say)
    screen.say("comparing receipts with the store of the killed bridge")
    return samples, checked(folder / "stores" / "court_bridge.db", calling.acknowledged())


def document_of(
    samples: Mapping[str, list[Sample]], receipts: Mapping[str, int], options: Options, folder: Path
) -> dict[str, object]:
    """Return the document that the page shows."""
    figures = {name: spreads(taken) for name, taken in samples.items()}

    def ratio(ours: str, bare: str, figure: str) -> float:
        return figures[ours][figure]["median"] / figures[bare][figure]["median"]

    ratios = {
        "unary": ratio("unary", "unary_echo", "records_s"),
        "rest": ratio("rest", "rest_echo", "records_s"),
        "unary_cpu": ratio("unary_echo", "unary", "server_cpu_us"),
        "rest_cpu": ratio("rest_echo", "rest", "server_cpu_us"),
    }
    batch = figures["batch"]["records_s"]["median"]
    return {
        "benchmark": "handoff",
        "machine": facts(folder),
        "quick": options.quick,
        "rounds": options.rounds,
        "callers": CALLERS,
        "batch": BATCH,
        "batch_callers": BATCH_CALLERS,
        "cores": asdict(Cores.split()),
        "fsync_ms": fsync_ms(folder),
        "figures": figures,
        "ratios": ratios,
        "receipts": dict(receipts),
        "targets": {
            "unary": judged(TARGET_UNARY, ratios["unary"]),
            "batch": judged(TARGET_BATCH, batch),
            "lost": judged(0, receipts["lost"], at_most=True),
        },
    }


def table(samples: Mapping[str, list[Sample]], screen: Screen) -> None:
    """Print the medians of all figures."""
    names = ("records_s", "server_cpu_us", "p50_ms", "p99_ms", "server_cores", "callers_cores")
    rows = []
    for name, taken in samples.items():
        found = spreads(taken)
        rows.append([name, *(f"{found[figure]['median']:,.2f}" for figure in names)])
    screen.table("Durable hand-offs, median of the rounds", COLUMNS, rows)


def run(options: Options) -> int:
    """Measure, print and save; returns the exit code."""
    screen = Screen(options)
    with scratch("handoff", options.folder) as folder:
        samples, receipts = measured(options, folder, screen)
        document = document_of(samples, receipts, options, folder)
    table(samples, screen)
    save("handoff", document, publish=options.save)
    finish(document)
    return 0 if receipts["lost"] == 0 else 1


def main() -> int:
    """Parse the command line and run."""
    parser = command("handoff", "Durable hand-offs a second at one bridge, beside bare echo servers.", rounds=5)
    options = common(parser.parse_args())
    keep_stdout_clean()
    with failing():
        return run(options)


if __name__ == "__main__":
    sys.exit(main())
