"""A native broker as a county's should be: TLS, a user for each service, and rules for what each may do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dispute.contracts.topics import TOPICS
from hub.kafka.bus import Bus
from hub.kafka.rights import add_users, grant, rights_of
from ops.run.broker.certificates import AUTHORITY
from ops.run.broker.jars import Say
from ops.run.broker.native import NativeKafka
from ops.run.broker.properties import ScramTls
from ops.run.credentials import write_private

LOGINS: Final = "kafka-logins"


class SecuredKafka(NativeKafka):
    """A native broker with users.

    Args:
        folder: Run folder: data of the broker, certificates, and the services' passwords (0600).
        say: Gets progress lines.
    """

    def __init__(self, folder: Path, say: Say) -> None:
        self._certificates = folder / "kafka" / "tls"
        self._logins = folder / LOGINS
        super().__init__(folder / "kafka", say=say, secured=ScramTls(self._certificates))

    def admit(self) -> None:
        """Add a user for each service with new passwords, and give each what it needs.

        Raises:
            Fault: `bus_rights_refused`.
            Retryable: `bus_unavailable`.
        """
        rights, operator = rights_of(TOPICS), Bus(self.bootstrap)
        passwords = {service: secrets.token_urlsafe(24) for service in {right.service for right in rights}}
        self._logins.mkdir(exist_ok=True, mode=0o700)
        for service, password in passwords.items():
            write_private(self._logins / service, password)
        add_users(operator, passwords)
        grant(operator, rights)

    def settings(self, service: str) -> Mapping[str, str]:
        """Return the settings by which a service logs in."""
        return {
            "HUB_KAFKA_BOOTSTRAP": self.secured_bootstrap,
            "HUB_KAFKA_USERNAME": service,
            "HUB_KAFKA_PASSWORD_FILE": str(self._logins / service),
            "HUB_KAFKA_CA_FILE": str(self._certificates / AUTHORITY),
        }

    def bus_of(self, service: str) -> Bus:
        """Return the connection of a service's user."""
        return self.secured_bus(service, (self._logins / service).read_text(encoding="utf-8"))


def secured_broker(folder: Path, say: Say) -> SecuredKafka:
    """Return a broker with users, not started yet."""
    say("Kafka：本机原生，TLS + SCRAM + ACL / native, with TLS, SCRAM and access rules")
    return SecuredKafka(folder, say)
