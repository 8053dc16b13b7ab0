"""Which broker is taken, and the one line that is said when there is none (D10)."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import Rejected
from ops.run.broker import BrokerKind, ExternalKafka, NativeKafka, choose, jars, open_broker
from ops.run.broker.choice import Machine, this_machine
from ops.run.broker.docker import IMAGE, DockerKafka, run_command
from ops.run.broker.native import LEASH
from ops.run.broker.ports import PORTS, free_ports
from ops.run.broker.properties import Node, Secured, server_properties

JAVA17 = 'openjdk version "17.0.15" 2025-04-15'


class Bench:
    """A machine with exactly these programs, that counts what is asked."""

    def __init__(self, folder: Path, *programs: str, java: str = JAVA17, engine: str = "28.1") -> None:
        self.asked: list[str] = []
        self._programs = programs
        self._answers = {"java": java, "docker": engine}
        self.machine = Machine(self._which, self._output, folder)

    def _which(self, program: str) -> str | None:
        return f"/bin/{program}" if program in self._programs else None

    def _output(self, command: list[str]) -> str:
        program = command[0].removeprefix("/bin/")
        self.asked.append(program)
        return self._answers[program]


def test_auto_prefers_an_external_broker(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "java", "mvn", "docker")
    choice = choose({"HUB_KAFKA_BOOTSTRAP": "kafka:9092"}, bench.machine)
    assert (choice.kind, choice.bootstrap) == (BrokerKind.EXTERNAL, "kafka:9092")
    assert bench.asked == []


def test_auto_then_takes_the_native_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "java", "mvn", "docker")
    assert choose({}, bench.machine).kind is BrokerKind.NATIVE
    assert choose({"HUB_KAFKA": "auto"}, bench.machine).kind is BrokerKind.NATIVE
    assert "docker" not in bench.asked


def test_auto_then_takes_docker(tmp_path: Path) -> None:
    assert choose({}, Bench(tmp_path, "docker").machine).kind is BrokerKind.DOCKER
    assert choose({}, Bench(tmp_path, "java", "docker").machine).kind is BrokerKind.DOCKER, (
        "Java without Maven, no jars"
    )
    old = Bench(tmp_path, "java", "mvn", "docker", java='openjdk version "11.0.2" 2019')
    assert choose({}, old.machine).kind is BrokerKind.DOCKER


def test_with_the_jars_at_hand_maven_is_not_needed(tmp_path: Path) -> None:
    for name in ("kafka_2.13-4.3.1.jar", "kafka-clients-4.3.1.jar"):
        (tmp_path / name).touch()
    assert choose({}, Bench(tmp_path, "java").machine).kind is BrokerKind.NATIVE


def test_with_nothing_one_line_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as raised:
        choose({}, Bench(tmp_path, "docker", engine="").machine)
    assert raised.value.code == "no_broker"
    for word in ("Java 17", "Docker", "HUB_KAFKA_BOOTSTRAP"):
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)


def test_native_without_java_is_one_line_and_asks_nobody_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "mvn", "docker")
    with pytest.raises(Rejected) as raised:
        choose({"HUB_KAFKA": "native", "HUB_KAFKA_BOOTSTRAP": "kafka:9092"}, bench.machine)
    assert "Java 17" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert bench.asked == []


@pytest.mark.parametrize(("banner", "major"), [('java version "1.8.0_412"', 8), ('openjdk version "21" 2023', 21)])
def test_reads_javas_version(tmp_path: Path, banner: str, major: int) -> None:
    assert Bench(tmp_path, "java", java=banner).machine.java_major() == major


def test_native_with_an_old_java_says_which_was_found(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="found 8"):
        choose({"HUB_KAFKA": "native"}, Bench(tmp_path, "java", java='java version "1.8.0_412"').machine)


def test_docker_without_an_engine_is_one_line(tmp_path: Path) -> None:
    for bench in (Bench(tmp_path), Bench(tmp_path, "docker", engine="")):
        with pytest.raises(Rejected, match="Docker"):
            choose({"HUB_KAFKA": "docker"}, bench.machine)


def test_external_needs_an_address(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="HUB_KAFKA_BOOTSTRAP"):
        choose({"HUB_KAFKA": "external"}, Bench(tmp_path).machine)


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as raised:
        choose({"HUB_KAFKA": "natve"}, Bench(tmp_path).machine)
    assert raised.value.code == "bad_setting"


def test_the_real_machine_without_a_path_answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    started = time.monotonic()
    with pytest.raises(Rejected):
        choose({"HUB_KAFKA": "native"}, this_machine())
    assert time.monotonic() - started < 1


def test_opening_says_which_one_it_took(tmp_path: Path) -> None:
    said: list[str] = []
    bench = Bench(tmp_path, "java", "mvn", "docker")
    kinds = [
        open_broker(choose({"HUB_KAFKA": kind, "HUB_KAFKA_BOOTSTRAP": "k:1"}, bench.machine), tmp_path, said.append)
        for kind in ("external", "native", "docker")
    ]
    assert [type(broker) for broker in kinds] == [ExternalKafka, NativeKafka, DockerKafka]
    assert [broker.kind for broker in kinds] == ["external", "native", "docker"]
    assert len(said) == 3


# --- jars -----------------------------------------------------------------------------------------------------------


def fake_maven(folder: Path, *, fail: bool = False) -> str:
    """A program that behaves like Maven: fills the output folder, or fails with its usual lines."""
    script = folder / "mvn"
    body = (
        "print('[ERROR] Could not transfer artifact'); sys.exit(1)"
        if fail
        else "[(out / name).touch() for name in ('kafka_2.13-9.jar', 'kafka-clients-9.jar')]"
    )
    script.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        "out = pathlib.Path([a for a in sys.argv if a.startswith('-DoutputDirectory=')][0].split('=')[1])\n"
        f"{body}\n",
    )
    script.chmod(0o755)
    return str(script)


def test_fetching_is_whole_or_nothing(tmp_path: Path) -> None:
    libs = tmp_path / "cache" / "libs"
    with pytest.raises(Rejected, match="Could not transfer artifact") as raised:
        jars.fetch(libs, lambda _line: None, maven=fake_maven(tmp_path, fail=True))
    assert raised.value.code == "kafka_fetch_failed"
    assert "\n" not in str(raised.value)
    assert list(libs.parent.iterdir()) == []


def test_fetches_once_and_tells(tmp_path: Path) -> None:
    libs, said = tmp_path / "cache" / "libs", list[str]()
    maven = fake_maven(tmp_path)
    with pytest.raises(zipfile.BadZipFile):
        jars.fetch(libs, said.append, maven=maven)  # the fake jars are empty, so their version can't be told
    assert jars.present(libs)
    assert list(libs.parent.iterdir()) == [libs]
    assert said
    before = len(said)
    jars.fetch(libs, said.append, maven="/nowhere/mvn")
    assert len(said) == before


def test_the_version_is_the_jars_own_statement(tmp_path: Path) -> None:
    assert jars.version_of(tmp_path) == "unknown"
    with zipfile.ZipFile(tmp_path / "kafka-clients-x.jar", "w") as archive:
        archive.writestr("kafka/kafka-version.properties", "commitId=1\nversion=9.8.7\n")
    assert jars.version_of(tmp_path) == "9.8.7"


# --- settings -------------------------------------------------------------------------------------------------------


def nodes(count: int) -> list[Node]:
    return [
        Node(number, 20000 + number, 21000 + number, Path(f"/data/{number}"), 22000) for number in range(1, count + 1)
    ]


def settings(count: int, secured: Secured | None = None) -> dict[str, str]:
    text = server_properties(nodes(count)[0], nodes(count), secured)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_one_node_needs_no_copies() -> None:
    found = settings(1)
    assert {found[f"{name}.replication.factor"] for name in ("offsets.topic", "transaction.state.log")} == {"1"}
    assert found["min.insync.replicas"] == "1"
    assert found["auto.create.topics.enable"] == "false"
    assert "authorizer.class.name" not in found


def test_three_nodes_keep_three_copies() -> None:
    found = settings(3)
    assert found["offsets.topic.replication.factor"] == "3"
    assert found["min.insync.replicas"] == "2"
    assert found["unclean.leader.election.enable"] == "false"
    assert found["controller.quorum.voters"].count("@127.0.0.1:") == 3


def test_listeners_are_on_loopback_only() -> None:
    found = settings(1, Secured({"reader": "throw-away"}))
    assert all("//127.0.0.1:" in listener for listener in found["listeners"].split(","))
    assert found["authorizer.class.name"].endswith("StandardAuthorizer")
    assert "throw-away" not in repr(Secured({"reader": "throw-away"}))


def test_without_users_everybody_comes_in_by_the_plain_listener() -> None:
    found = settings(1, Secured({}))
    assert "SASL_PLAINTEXT://" not in found["listeners"]
    assert found["allow.everyone.if.no.acl.found"] == "true"
    assert "super.users" not in found


def test_the_container_listens_on_loopback_and_has_a_tag() -> None:
    command = run_command(23456)
    assert "127.0.0.1:23456:23456" in command
    assert command[-1] == IMAGE
    assert not IMAGE.endswith("latest")


def test_ports_are_different_and_not_the_kernels() -> None:
    found = free_ports(12)
    assert len(set(found)) == 12
    assert set(found) <= set(PORTS)


def test_a_port_is_not_given_to_two_processes_before_anybody_listens() -> None:
    claimed = free_ports(1)[0]
    say = "from ops.run.broker.ports import claim; print(claim({port}))"
    others = [
        subprocess.run([sys.executable, "-c", say.format(port=port)], capture_output=True, text=True, check=True)
        for port in (claimed, unclaimed())
    ]
    assert [other.stdout.strip() for other in others] == ["False", "True"]


def unclaimed() -> int:
    """A port that this process got and that its ended child therefore no longer claims."""
    done = subprocess.run(
        [sys.executable, "-c", "from ops.run.broker.ports import free_ports; print(free_ports(1)[0])"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


# --- running --------------------------------------------------------------------------------------------------------

PARENT = """
import subprocess, sys, time
subprocess.Popen(["/bin/sh", "-c", sys.argv[1], "leash", sys.argv[2], "2", *sys.argv[3:]], stdin=subprocess.PIPE)
time.sleep(60)
"""


@pytest.mark.parametrize("child", [["sleep", "60"], ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]])
def test_a_broker_does_not_outlive_a_parent_that_is_killed(tmp_path: Path, child: list[str]) -> None:
    """Also not one that ignores SIGTERM."""
    pidfile = tmp_path / "broker.pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, LEASH, str(pidfile), *child])
    try:
        wait(pidfile.exists)
        broker = Path(f"/proc/{pidfile.read_text().strip()}")
        assert broker.exists()
    finally:
        parent.kill()
        parent.wait()
    wait(lambda: not broker.exists())


def test_a_broker_that_ends_ends_its_leash(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["/bin/sh", "-c", LEASH, "leash", str(tmp_path / "broker.pid"), "2", "/bin/sh", "-c", "exit 7"],
        stdin=subprocess.PIPE,
    )
    assert process.wait(5) == 7
    assert process.stdin is not None
    process.stdin.close()
    assert not (tmp_path / "broker.pid").exists()


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
