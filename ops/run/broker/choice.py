"""Chooses the broker of a launcher or test run.

The setting is `HUB_KAFKA=auto|native|docker|external` (ADR-0004).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ops.console.refusals import BAD_SETTING, NO_BROKER
from ops.run.broker.jars import POM, libs_folder, present

OLDEST_JAVA: Final = 17
LAST_PORT: Final = 65535
SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/\[\]]+):[0-9]{1,5}")
"""host:port; an IPv6 address stands in brackets."""

ENGINE_TIMEOUT_S: Final = 3.0


class BrokerKind(StrEnum):
    """Where the broker comes from."""

    EXTERNAL = "external"
    NATIVE = "native"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Choice:
    """The broker that was chosen.

    Attributes:
        kind: Where it comes from.
        why: One line for people, Chinese first.
        bootstrap: Address, when it runs already.
    """

    kind: BrokerKind
    why: str
    bootstrap: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """The programs of this machine; replaced in tests.

    Attributes:
        which: Finds a program on the PATH.
        output: Runs a program and returns what it printed, "" when it failed.
        libs: Folder of Kafka's jars.
    """

    which: Callable[[str], str | None]
    output: Callable[[list[str]], str]
    libs: Path

    def java_major(self) -> int:
        """Return Java's major version; 0 without Java.

        The first `java` on the PATH is asked.
        """
        java = self.which("java")
        found = re.search(r'version "(?:1\.)?(\d+)', self.output([java, "-version"])) if java else None
        return int(found.group(1)) if found else 0

    def native_lacks(self) -> str:
        """Return what the native broker lacks here.

        The text is for people; empty when nothing is missing.
        """
        major = self.java_major()
        if major == 0:
            return "Java 17 或更新（PATH 上没有 java） / Java 17 or newer (no java on the PATH)"
        if major < OLDEST_JAVA:
            return f"Java 17 或更新（现为 {major}） / Java 17 or newer (found {major})"
        if not present(self.libs) and (self.which("mvn") is None or not POM.is_file()):
            return "Maven（取 Kafka 的 jar，仅一次） / Maven (fetches Kafka's jars, once)"
        return ""

    def docker_lacks(self) -> str:
        """Return what the container broker lacks here.

        The text is for people; empty when nothing is missing.
        """
        docker = self.which("docker")
        if docker is None:
            return "Docker"
        answer = self.output([docker, "version", "--format", "{{.Server.Version}}"])
        return "" if answer.strip() else "正在运行的 Docker 引擎 / a running Docker engine"


def this_machine() -> Machine:
    """Return the real machine."""
    return Machine(shutil.which, _output, libs_folder())


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a program found on the PATH with fixed arguments
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ENGINE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # java prints its version on the error stream
    return done.stdout + done.stderr if done.returncode == 0 else ""


def choose(env: Mapping[str, str], machine: Machine | None = None) -> Choice:
    """Choose the broker without using the network.

    Args:
        env: `HUB_KAFKA` and `HUB_KAFKA_BOOTSTRAP` are read.
        machine: This one by default.

    Raises:
        Rejected: `no_broker` with one line that says what to install; `bad_setting` for another `HUB_KAFKA`.
    """
    machine = machine or this_machine()
    wanted = env.get("HUB_KAFKA", "").strip() or "auto"
    bootstrap = env.get("HUB_KAFKA_BOOTSTRAP", "").strip()
    match wanted:
        case "external":
            return _external(bootstrap)
        case "native":
            return _native(machine)
        case "docker":
            return _docker(machine)
        case "auto":
            return _auto(machine, bootstrap)
        case _:
            raise BAD_SETTING.error(field="HUB_KAFKA", why=f"HUB_KAFKA={wanted}: auto | native | docker | external")


def _auto(machine: Machine, bootstrap: str) -> Choice:
    if bootstrap:
        return _external(bootstrap)
    native = machine.native_lacks()
    if not native:
        return _native(machine)
    docker = machine.docker_lacks()
    if not docker:
        return _docker(machine)
    raise NO_BROKER.error(why=f"请安装 install {native}，或 or {docker}，或设置 or set HUB_KAFKA_BOOTSTRAP")


def _external(bootstrap: str) -> Choice:
    if not bootstrap:
        why = "HUB_KAFKA=external 需要 needs HUB_KAFKA_BOOTSTRAP=host:port"
        raise NO_BROKER.error(field="HUB_KAFKA_BOOTSTRAP", why=why)
    if not all(SERVER.fullmatch(server.strip()) and _port_of(server) for server in bootstrap.split(",")):
        why = f"HUB_KAFKA_BOOTSTRAP={bootstrap}: 应为 expected host:port[,host:port]"
        raise BAD_SETTING.error(field="HUB_KAFKA_BOOTSTRAP", why=why)
    return Choice(BrokerKind.EXTERNAL, f"Kafka：外部集群 / external cluster {bootstrap}", bootstrap)


def _port_of(server: str) -> bool:
    return 0 < int(server.rpartition(":")[2]) <= LAST_PORT


def _native(machine: Machine) -> Choice:
    lacks = machine.native_lacks()
    if lacks:
        raise NO_BROKER.error(field="HUB_KAFKA", why=f"HUB_KAFKA=native 请安装 install {lacks}")
    return Choice(BrokerKind.NATIVE, "Kafka：本机原生（Java） / native on this machine (Java)")


def _docker(machine: Machine) -> Choice:
    lacks = machine.docker_lacks()
    if lacks:
        raise NO_BROKER.error(field="HUB_KAFKA", why=f"HUB_KAFKA=docker 请安装或启动 install or start {lacks}")
    return Choice(BrokerKind.DOCKER, "Kafka：Docker 容器 / Docker container")
