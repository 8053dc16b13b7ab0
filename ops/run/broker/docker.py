"""Runs Apache Kafka in a container with `docker`."""

from __future__ import annotations

import subprocess
from types import TracebackType
from typing import Final, Self

from hub.kafka.admin import describe
from hub.kafka.bus import Bus
from ops.console.refusals import NO_BROKER
from ops.run.broker.jars import Say
from ops.run.broker.native import READY_S
from ops.run.broker.ports import free_ports
from ops.run.broker.properties import HOST

IMAGE: Final = "apache/kafka:4.3.1"


def run_command(port: int) -> list[str]:
    """Return the command that starts one broker.

    The broker has the same address inside and outside its container.
    """
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }
    flags = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    return ["docker", "run", "-d", "--rm", "-p", f"{HOST}:{port}:{port}", *flags, IMAGE]


class DockerKafka:
    """One broker in a container; `stop` removes it."""

    kind = "docker"

    def __init__(self, *, say: Say) -> None:
        self._say = say
        self._port = free_ports(1)[0]
        self._container = ""
        self.version = "unknown"

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Start the container and wait for the broker.

        The broker is ready when it is in the metadata.

        Raises:
            Rejected: `no_broker` when the engine refuses.
            Retryable: `bus_unavailable` when the broker does not come up.
        """
        self._say(f"启动容器 / starting container {IMAGE}")
        done = subprocess.run(run_command(self._port), capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode != 0:
            raise NO_BROKER.error(why=f"Docker 无法启动 could not start {IMAGE}: {done.stderr[-300:]}")
        self._container = done.stdout.strip()
        try:
            self.version = describe(Bus(self.bootstrap, request_timeout_s=2.0), deadline_s=READY_S).version
        except BaseException:
            self.stop()
            raise

    def alive(self) -> bool:
        """Tell whether the container has not ended.

        True also when the engine gives no answer: a busy engine does not mean a dead broker.
        """
        command = ["docker", "inspect", "-f", "{{.State.Running}}", self._container]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        return "No such object" not in done.stderr and done.stdout.strip() != "false"

    def revive(self) -> bool:
        """Return False: the data ended with the container."""
        return False

    def stop(self) -> None:
        """Stop the container, which also removes it."""
        if self._container:
            command = ["docker", "stop", "-t", "15", self._container]
            subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own command
            self._container = ""

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
