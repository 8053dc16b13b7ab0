"""Runs Apache Kafka natively from its jars.

There are one or three brokers on the loopback; they end with the process that started them.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGTERM, Signals
from types import TracebackType
from typing import Final, Self

from hub.errors import Retryable
from hub.kafka.admin import describe
from hub.kafka.bus import Bus, SaslCredentials
from hub.refusals import BUS_UNAVAILABLE
from ops.run.broker.certificates import AUTHORITY, make_certificates
from ops.run.broker.jars import Say, fetch, libs_folder, version_of
from ops.run.broker.ports import free_ports
from ops.run.broker.properties import HOST, LOGGING, Node, ScramTls, Secured, server_properties

GRACE_S: Final = 15.0
READY_S: Final = 180.0
"""A busy machine sometimes needs more than one minute; a broker that ends meanwhile is reported at once."""

JVM: Final = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xss512k",
    "-XX:MaxMetaspaceSize=128m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
)

# A shell, the leash, runs the broker: its standard input is a pipe of our process. When our process ends, also by
# SIGKILL, the pipe closes and the shell sends SIGTERM, later SIGKILL, to the broker. PR_SET_PDEATHSIG is not enough: it
# fires when the *thread* that started the child ends. A session of its own keeps Ctrl-C from reaching the broker before
# our process stops everything in order.
LEASH: Final = """
exec 3<&0
pidfile=$1 grace=$2; shift 2
"$@" </dev/null 3<&- &
pid=$!
echo "$pid" >"$pidfile.new" && mv "$pidfile.new" "$pidfile"
{
  read -r _ <&3
  kill -TERM "$pid"
  while [ "$grace" -gt 0 ] && kill -0 "$pid"; do sleep 1; grace=$((grace - 1)); done
  kill -KILL "$pid"
} >/dev/null 2>&1 &
leash=$!
exec 3<&-
wait "$pid"
code=$?
kill "$leash" 2>/dev/null
rm -f "$pidfile"
exit "$code"
"""


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    java: int


class NativeKafka:
    """A cluster of native brokers.

    Args:
        folder: Data, logs, settings and pid files; made when missing.
        brokers: One, or three.
        say: Gets progress lines.
        secured: Access rules, for tests of rights; None means no rules.
        libs: Folder of the jars; fetched when missing.
        jvm: Options of the Java virtual machine.
        behind: Each broker advertises a second port to clients, at which the caller runs a proxy; brokers connect to
            each other directly.
    """

    kind = "native"

    def __init__(
        self,
        folder: Path,
        *,
        say: Say,
        brokers: int = 1,
        secured: Secured | ScramTls | None = None,
        libs: Path | None = None,
        jvm: Sequence[str] = JVM,
        behind: bool = False,
    ) -> None:
        self._jvm = tuple(jvm)
        self.folder = folder.resolve()
        self.libs = libs or libs_folder()
        self._say = say
        self._secured = secured
        ports = iter(free_ports(brokers * 5))
        self.nodes = tuple(
            Node(
                number,
                next(ports),
                next(ports),
                self.folder / f"broker-{number}",
                sasl_port=next(ports),
                advertised_port=next(ports) if behind else 0,
                peer_port=next(ports) if behind else 0,
            )
            for number in range(1, brokers + 1)
        )
        self._running: dict[int, _Running] = {}
        self._stopped = threading.Event()
        self._ending = threading.Lock()
        self._served = False

    @property
    def bootstrap(self) -> str:
        """Advertised addresses of the plain listeners."""
        return ",".join(f"{HOST}:{node.advertised_port or node.port}" for node in self.nodes)

    def secured_bus(self, username: str, password: str) -> Bus:
        """Return the connection of one user.

        It leads to the listener with passwords.
        """
        if isinstance(self._secured, ScramTls):
            login = SaslCredentials(username, password, ca_file=str(self._secured.folder / AUTHORITY))
        else:
            login = SaslCredentials(username, password, mechanism="PLAIN")
        return Bus(self.secured_bootstrap, credentials=login)

    @property
    def secured_bootstrap(self) -> str:
        """Addresses of the listeners with passwords."""
        return ",".join(f"{HOST}:{node.sasl_port}" for node in self.nodes)

    @property
    def version(self) -> str:
        """Kafka's version.

        The running broker states it in its log; before that, its jar states it.
        """
        for node in self.nodes:
            log = node.folder / "broker.log"
            stated = re.search(r"Kafka version: (\S+)", log.read_text(errors="replace")) if log.exists() else None
            if stated:
                return stated.group(1)
        return version_of(self.libs)

    def start(self) -> None:
        """Start all brokers and wait until they are ready.

        The jars are fetched and the data folders formatted if needed. Ready means that every broker is in the metadata.

        Raises:
            Rejected: `kafka_fetch_failed`.
            Retryable: `bus_unavailable` when a broker does not come up (the text names its log), or when another thread
                called `stop` meanwhile.
        """
        self._stopped.clear()
        self._served = False
        fetch(self.libs, self._say)
        if isinstance(self._secured, ScramTls):
            make_certificates(self._secured.folder)
        try:
            self._format()
            for node in self.nodes:
                self._go_on()
                self._spawn(node)
            self.wait_ready()
            self._served = True
        except BaseException:
            self.kill()
            raise

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise BUS_UNAVAILABLE.error(why="stopped before it had started")

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if cluster.startswith("-"):
            cluster = "A" + cluster[1:]  # or StorageTool takes it for an option
        formatting = []
        for node in self.nodes:
            node.folder.mkdir(parents=True, exist_ok=True)
            (node.folder / "log4j2.properties").write_text(LOGGING)
            settings = node.folder / "server.properties"
            settings.write_text(server_properties(node, self.nodes, self._secured))
            settings.chmod(0o600)
            if not (node.folder / "data" / "meta.properties").exists():
                command = [*self._java(node), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)]
                log = node.folder / "format.log"
                with log.open("wb") as sink:
                    formatting.append((subprocess.Popen(command, stdout=sink, stderr=sink), log))  # noqa: S603 - ours
        for process, log in formatting:
            if process.wait(READY_S) != 0:
                raise BUS_UNAVAILABLE.error(why=f"formatting a broker failed, see {log}")

    def _java(self, node: Node) -> list[str]:
        return [
            "java",
            *self._jvm,
            f"-Dlog4j2.configurationFile={node.folder / 'log4j2.properties'}",
            "-cp",
            f"{self.libs}/*",
        ]

    def _spawn(self, node: Node) -> None:
        pidfile = node.folder / "broker.pid"
        pidfile.unlink(missing_ok=True)
        command = [*self._java(node), "kafka.Kafka", str(node.folder / "server.properties")]
        with (node.folder / "broker.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                ["/bin/sh", "-c", LEASH, "leash", str(pidfile), str(int(GRACE_S)), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + GRACE_S
        while not pidfile.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BUS_UNAVAILABLE.error(why=f"broker {node.number} did not start, see {node.folder}/broker.log")
            time.sleep(0.01)
        self._running[node.number] = _Running(process, int(pidfile.read_text()))

    def wait_ready(self, deadline_s: float = READY_S) -> None:
        """Wait until all running brokers are ready.

        Each must answer at its own listener and list all of them. An open port is not enough, and neither is the list
        of another broker: it contains a killed one for seconds, and for as long as there is no quorum.
        """
        deadline = time.monotonic() + deadline_s
        while True:
            self._go_on()
            for node in self.nodes:
                running = self._running.get(node.number)
                if running is not None and running.process.poll() is not None:
                    raise BUS_UNAVAILABLE.error(why=f"broker {node.number} ended, see {node.folder}/broker.log")
            try:
                for node in self.nodes:
                    if node.number in self._running:
                        describe(Bus(f"{HOST}:{node.port}", request_timeout_s=2.0), brokers=len(self._running))
            except Retryable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def runs(self, broker: int) -> bool:
        """Tell whether one broker's process runs."""
        running = self._running.get(broker)
        return running is not None and running.process.poll() is None

    def signal(self, broker: int, number: Signals) -> None:
        """Send a signal to one broker's Java process."""
        running = self._running[broker]
        if running.process.poll() is None:
            os.kill(running.java, number)

    def kill9(self, broker: int = 1) -> None:
        """Send SIGKILL to one broker, wait for its end.

        Unlike after a power loss, the page cache survives.
        """
        self.signal(broker, SIGKILL)
        self._reap(broker, GRACE_S)

    def restart(self, broker: int = 1) -> None:
        """Restart one broker without waiting for it.

        It keeps its ports and data. If it runs, it is stopped first.
        """
        if broker in self._running:
            self.signal(broker, SIGTERM)
            self._reap(broker, GRACE_S)
        self._spawn(self.nodes[broker - 1])

    def alive(self) -> bool:
        """Tell whether all brokers' processes run."""
        return all(self.runs(node.number) for node in self.nodes)

    def revive(self) -> bool:
        """Restart ended brokers without waiting for them.

        They keep their ports and data.

        Raises:
            Retryable: `bus_unavailable` when one does not start, or when another thread called `stop` meanwhile.
        """
        with self._ending:
            self._go_on()
            for node in self.nodes:
                if not self.runs(node.number):
                    self.restart(node.number)
        return True

    def stop(self) -> None:
        """Stop all brokers.

        They get SIGTERM, and SIGKILL after the grace period. Brokers that have not served yet ignore SIGTERM and get
        SIGKILL at once.
        """
        self._stopped.set()
        self._end(SIGTERM if self._served else SIGKILL, GRACE_S)

    def kill(self) -> None:
        """Send SIGKILL to all brokers."""
        self._end(SIGKILL, GRACE_S)

    def _end(self, number: Signals, grace_s: float) -> None:
        # a start that was asked to stop ends what it started, while `stop` does so too
        with self._ending:
            for broker in self._running:
                self.signal(broker, SIGCONT)
                self.signal(broker, number)
            for broker in list(self._running):
                self._reap(broker, grace_s)

    def _reap(self, broker: int, grace_s: float) -> None:
        running = self._running.pop(broker)
        try:
            running.process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.kill(running.java, SIGKILL)
            running.process.wait(grace_s)
        finally:
            if running.process.stdin is not None:
                running.process.stdin.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
