"""Runs `make secured`; see the package. Prints one JSON line; exits with 1 when anything is not as it must be.

Each service's user tries to write and to read every topic and its dead letters, to join every group, and to do what no
service has to: delete a topic, give rights. What it should be able to is asked of nobody but the table below, which
people wrote down; the hub derives its rules from the catalogue.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import ACL, ACLOperation, ACLPermissionType, KafkaAdminClient, ResourcePattern, ResourceType

from dispute.contracts.topics import BRIDGES, CATALOGUE, CREDENTIALS, HANDOFFS, JOURNAL, TOPICS
from hub.kafka.admin import provision
from hub.kafka.bus import Bus
from ops.run.broker.secured import SecuredKafka
from tests.support.tree import ROOT

SERVICES: Final = (*BRIDGES, "intake", "stats")
SCENARIO: Final = "scenarios/small.yaml"
CALL_MS: Final = 15_000
REFUSED: Final = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.ClusterAuthorizationFailedError,
)
MAY: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(
        BRIDGES,
        frozenset(
            {
                f"write {HANDOFFS.name}",
                f"read {HANDOFFS.name}",
                f"read {JOURNAL.name}",
                f"write {JOURNAL.dead_letters}",
                f"read {CREDENTIALS.name}",
            }
        ),
    ),
    "intake": frozenset(
        {
            f"read {HANDOFFS.name}",
            f"write {HANDOFFS.dead_letters}",
            f"write {JOURNAL.name}",
            f"read {JOURNAL.name}",
            f"write {CREDENTIALS.name}",
            f"read {CREDENTIALS.name}",
        }
    ),
    "stats": frozenset({f"read {JOURNAL.name}", f"write {JOURNAL.dead_letters}", f"read {CREDENTIALS.name}"}),
}
"""What each service may do; beside joining its own group, and nothing else."""


def acts(bus: Bus) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what a user tries, by name."""
    for topic in (*(each.name for each in TOPICS), *(each.dead_letters for each in CATALOGUE)):
        yield f"write {topic}", lambda topic=topic: _write(bus, topic)  # type: ignore[misc] # mypy knows no default of a lambda
        yield f"read {topic}", lambda topic=topic: _read(bus, topic)  # type: ignore[misc] # as above
    for service in SERVICES:
        yield f"join hub-{service}", lambda service=service: _join(bus, f"hub-{service}")  # type: ignore[misc] # as above
    yield f"delete {JOURNAL.name}", lambda: _delete(bus, JOURNAL.name)
    yield "give rights", lambda: _give(bus)


def _write(bus: Bus, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bus.servers, max_block_ms=CALL_MS, **bus.security())
    try:
        producer.send(topic, b"tried", partition=0).get(timeout=CALL_MS / 1000)
    finally:
        producer.close(timeout=5)


def _read(bus: Bus, topic: str) -> None:
    consumer = KafkaConsumer(bootstrap_servers=bus.servers, **bus.security())
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        consumer.position(partition, timeout_ms=CALL_MS)
        for _ in range(10):
            consumer.poll(timeout_ms=200)
    finally:
        consumer.close()


def _join(bus: Bus, group: str) -> None:
    consumer = KafkaConsumer(bootstrap_servers=bus.servers, group_id=group, **bus.security())
    try:
        consumer.committed(TopicPartition(JOURNAL.name, 0))
    finally:
        consumer.close(autocommit=False)


def _delete(bus: Bus, topic: str) -> None:
    client = KafkaAdminClient(bootstrap_servers=bus.servers, **bus.security())
    try:
        client.delete_topics([topic])
    finally:
        client.close()


def _give(bus: Bus) -> None:
    client = KafkaAdminClient(bootstrap_servers=bus.servers, **bus.security())
    rule = ACL(
        principal="User:anybody",
        host="*",
        operation=ACLOperation.READ,
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(ResourceType.TOPIC, JOURNAL.name),
    )
    try:
        for error in client.create_acls([rule])["failed"]:
            raise error
    finally:
        client.close()


def tried(broker: SecuredKafka) -> dict[str, Any]:
    """Return what was allowed and denied, and what of it is wrong."""
    counts = {"allowed": 0, "denied": 0}
    wrong = []
    for service in SERVICES:
        for name, act in acts(broker.bus_of(service)):
            try:
                act()
            except REFUSED:
                allowed = False
            else:
                allowed = True
            counts["allowed" if allowed else "denied"] += 1
            if allowed is not (name in MAY[service] or name == f"join hub-{service}"):
                wrong.append(f"{service}: {name} was {'allowed' if allowed else 'denied'}")
    return {"services": len(SERVICES), **counts, "wrong": wrong}


def strangers(broker: SecuredKafka) -> list[str]:
    """Return who was let in without a right password, or over a line without TLS."""
    good = broker.bus_of("intake")
    security = dict(good.security())
    lines = {
        "wrong password": security | {"sasl_plain_password": "guessed"},
        "unknown user": security | {"sasl_plain_username": "nobody"},
        "no login": {"security_protocol": "SSL", "ssl_cafile": security["ssl_cafile"]},
        "no TLS": {"security_protocol": "PLAINTEXT"},
    }
    entered = []
    for name, line in lines.items():
        try:
            client = KafkaAdminClient(bootstrap_servers=good.servers, api_version_auto_timeout_ms=3000, **line)
        except kafka_errors.KafkaError:
            continue
        try:
            client.list_topics()
        except kafka_errors.KafkaError:
            continue
        finally:
            client.close()
        entered.append(name)
    return entered


def demo() -> dict[str, Any]:
    """Play the demo on such a broker; returns its verdict."""
    command = [sys.executable, "-m", "ops", "demo", "--secured", "--scenario", SCENARIO, "--json"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*command, "--folder", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    sys.stderr.write(done.stderr[-2000:])
    document = json.loads(done.stdout) if done.stdout else {}
    return {"exit": done.returncode, "agrees": document.get("ok", False), "events": document.get("events", 0)}


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Try, play, and print the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        broker = SecuredKafka(Path(folder), _say)
        broker.start()
        try:
            broker.admit()
            provision(Bus(broker.bootstrap), TOPICS)
            told = tried(broker) | {"strangers": strangers(broker)}
        finally:
            broker.stop()
    told["demo"] = demo()
    played = told["demo"]["exit"] == 0 and told["demo"]["agrees"] and told["demo"]["events"] > 0
    told["ok"] = not told["wrong"] and not told["strangers"] and told["denied"] > 0 and played
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
