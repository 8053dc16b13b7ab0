"""Address and settings of the bus.

They are built once in a service's wiring and passed to everything in this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hub.streams.topics import DEFAULT_PARTITIONS

PLAIN: Final = "PLAINTEXT"
SCRAM: Final = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class SaslCredentials:
    """How a client proves who it is (SASL).

    Attributes:
        username: Kafka user.
        password: Never shown in a repr.
        mechanism: SASL mechanism.
        ca_file: PEM file of the broker's authority; empty speaks SASL without TLS.
    """

    username: str
    password: str = field(repr=False)
    mechanism: str = SCRAM
    ca_file: str = ""

    @property
    def protocol(self) -> str:
        """Kafka's name of the security protocol."""
        return "SASL_SSL" if self.ca_file else "SASL_PLAINTEXT"


@dataclass(frozen=True, slots=True)
class Bus:
    """Address and time-outs of one Kafka cluster.

    Attributes:
        bootstrap: `host:port[,host:port]`.
        partitions: Partitions of each catalogue topic; divides 24. Dead letter topics have one.
        replication: Copies of each partition; `min.insync.replicas` is one less, at least 1.
        session_timeout_s: A silent reader loses its partitions after this long.
        heartbeat_s: How often a reader sends a heartbeat; at most a third of the session time-out.
        delivery_timeout_s: How long the producer itself tries one message. Long, because kafka-python's
            idempotent producer never recovers from an outage longer than this; the relay's watchdog does.
        request_timeout_s: How long one request may take.
        max_block_s: How long `send` may wait for metadata or buffer space.
        compression: `auto` takes lz4 where every client of this installation can read it, else none; or `lz4`,
            `zstd`, `gzip`, `none`.
        credentials: None speaks plain text.
    """

    bootstrap: str
    partitions: int = DEFAULT_PARTITIONS
    replication: int = 1
    session_timeout_s: float = 6.0
    heartbeat_s: float = 1.0
    delivery_timeout_s: float = 120.0
    request_timeout_s: float = 10.0
    max_block_s: float = 2.0
    compression: str = "auto"
    credentials: SaslCredentials | None = None

    @property
    def servers(self) -> list[str]:
        """The bootstrap addresses, one each."""
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]

    def security(self) -> Mapping[str, Any]:
        """Return kafka-python's settings for the credentials."""
        if self.credentials is None:
            return {"security_protocol": PLAIN}
        settings: dict[str, Any] = {
            "security_protocol": self.credentials.protocol,
            "sasl_mechanism": self.credentials.mechanism,
            "sasl_plain_username": self.credentials.username,
            "sasl_plain_password": self.credentials.password,
        }
        if self.credentials.ca_file:
            settings["ssl_cafile"] = self.credentials.ca_file
        return settings
