"""Settings files of natively run brokers (ADR-0004).

`native` writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Node:
    """One broker that is also a controller.

    Attributes:
        number: Node id, from 1.
        port: Plain listener, loopback only.
        controller_port: Listener of the metadata quorum.
        folder: Its data, log and settings.
        sasl_port: Listener that requires a user and password; 0 is none.
        advertised_port: Port that is advertised to clients when a proxy runs before the plain listener; 0 is the
            listener's own.
        peer_port: Listener for the other brokers, when another port is advertised to clients; 0 is none.
    """

    number: int
    port: int
    controller_port: int
    folder: Path
    sasl_port: int = 0
    advertised_port: int = 0
    peer_port: int = 0


@dataclass(frozen=True, slots=True)
class Secured:
    """Access rules for tests on the loopback.

    They also serve rehearsals there.

    Attributes:
        users: User -> password (SASL/PLAIN). With users there is a separate listener for them beside the plain listener
            of the operator, who may do everything. Without users everybody may do whatever no rule covers.
    """

    users: Mapping[str, str] = field(repr=False)

    @property
    def listener(self) -> str:
        """Name of the listener for users; empty where there are none."""
        return "SASL_PLAINTEXT" if self.users else ""

    def lines(self) -> dict[str, str]:
        """Return the broker's settings for these rules."""
        authorizer = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer"}
        if not self.users:
            return authorizer | {"allow.everyone.if.no.acl.found": "true"}
        users = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        return authorizer | {
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": f"{module} required {users};",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:ANONYMOUS",
        }


@dataclass(frozen=True, slots=True)
class ScramTls:
    """Login with SCRAM over TLS, as a county's Kafka asks for it; each service may do what it must, by rules.

    The plain listener is the operator's, who may do everything; it is on the loopback alone.

    Attributes:
        folder: Of the certificates (`certificates`).
    """

    folder: Path

    @property
    def listener(self) -> str:
        """Name of the listener for users."""
        return "SASL_SSL"

    def lines(self) -> dict[str, str]:
        """Return the broker's settings for these rules."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        stores = {f"ssl.{kind}.type": "PEM" for kind in ("keystore", "truststore")}
        return stores | {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{module} required;",
            "ssl.keystore.location": str(self.folder / "server.pem"),
            "ssl.truststore.location": str(self.folder / "ca.pem"),
        }


def server_properties(node: Node, nodes: Sequence[Node], secured: Secured | ScramTls | None = None) -> str:
    """Return a node's settings file.

    The cluster has one node, or three and more.
    """
    copies = min(3, len(nodes))
    in_sync = max(1, copies - 1)
    listeners = [f"PLAINTEXT://{HOST}:{node.port}"]
    if secured is not None and secured.listener:
        listeners.append(f"{secured.listener}://{HOST}:{node.sasl_port}")
    if node.peer_port:
        listeners.append(f"PEER://{HOST}:{node.peer_port}")
    advertised = [f"PLAINTEXT://{HOST}:{node.advertised_port or node.port}", *listeners[1:]]
    settings = {
        "process.roles": "broker,controller",
        "node.id": str(node.number),
        "controller.quorum.voters": ",".join(f"{peer.number}@{HOST}:{peer.controller_port}" for peer in nodes),
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join([*listeners, f"CONTROLLER://{HOST}:{node.controller_port}"]),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,PEER:PLAINTEXT"
        ),
        "inter.broker.listener.name": "PEER" if node.peer_port else "PLAINTEXT",
        "log.dirs": str(node.folder / "data"),
        "auto.create.topics.enable": "false",
        "unclean.leader.election.enable": "false",
        "default.replication.factor": str(copies),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(copies),
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": str(in_sync),
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "4",
        # the default of 128 MB kills a small heap
        "log.cleaner.dedupe.buffer.size": "8388608",
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "controller.quorum.election.timeout.ms": "500",
        "controller.quorum.fetch.timeout.ms": "1000",
    }
    if secured is not None:
        settings |= secured.lines()
    return "".join(f"{name}={value}\n" for name, value in settings.items())


LOGGING = """\
status = warn
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.version.name = org.apache.kafka.common.utils.AppInfoParser
logger.version.level = info
"""
"""Logging of warnings only, except for the broker's statement of its version."""
