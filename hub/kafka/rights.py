"""Which rights each service needs at the broker, and how they are given.

They follow from the catalogue alone: who writes and who reads a topic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from hub.errors import Fault
from hub.kafka.bus import SCRAM, Bus
from hub.kafka.clients import admin
from hub.streams.topics import Topic

TOPIC: Final = "topic"
GROUP: Final = "group"
PREFIX: Final = "hub-"
"""Begins the name of each service's group."""
SEES: Final = ("DESCRIBE", "DESCRIBE_CONFIGS", "CREATE")
"""Each service creates, or checks, the topics that it has to do with."""


@dataclass(frozen=True, slots=True)
class Right:
    """What one service may do with one thing of the broker.

    Attributes:
        service: Its user has the same name.
        kind: topic | group.
        name: Of the topic or group.
        operations: As Kafka names them.
    """

    service: str
    kind: str
    name: str
    operations: tuple[str, ...]


def rights_of(topics: Sequence[Topic]) -> list[Right]:
    """Return every right that the services need, and no other."""
    return sorted(_rights(topics), key=lambda right: (right.service, right.kind, right.name))


def _rights(topics: Sequence[Topic]) -> Iterator[Right]:
    for topic in topics:
        for service in {*topic.producers, *topic.readers}:
            writes = service in topic.producers
            # Who writes reads its own log too: it checks that the log does not know more than it does.
            yield Right(service, TOPIC, topic.name, (*SEES, "READ", *(("WRITE",) if writes else ())))
            if not topic.whole:
                letters = ("WRITE",) if service in topic.readers else ()
                yield Right(service, TOPIC, topic.dead_letters, (*SEES, *letters))
    for service in {reader for topic in topics if not topic.whole for reader in topic.readers}:
        yield Right(service, GROUP, f"{PREFIX}{service}", ("READ", "DESCRIBE"))


def grant(bus: Bus, rights: Iterable[Right]) -> None:
    """Give the rights.

    Args:
        bus: As a user who may give them.
        rights: Of users that have the services' names.

    Raises:
        Fault: `bus_rights_refused`.
        Retryable: `bus_unavailable`.
    """
    rules = [
        ACL(
            principal=f"User:{right.service}",
            host="*",
            operation=ACLOperation[operation],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(ResourceType[right.kind.upper()], right.name),
        )
        for right in rights
        for operation in right.operations
    ]
    with admin(bus) as client:
        answer = client.create_acls(rules)
    if answer["failed"]:
        raise Fault("bus_rights_refused", f"{len(answer['failed'])} of {len(rules)} rules were refused")


def add_users(bus: Bus, passwords: Mapping[str, str]) -> None:
    """Add users who log in with SCRAM; a known user gets the new password.

    Args:
        bus: As a user who may add them.
        passwords: By user.

    Raises:
        Fault: `bus_rights_refused`.
        Retryable: `bus_unavailable`.
    """
    with admin(bus) as client:
        answer = client.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(user, SCRAM, password) for user, password in passwords.items()]
        )
    refused = [user for user, why in answer.items() if why]
    if refused:
        raise Fault("bus_rights_refused", f"users were refused: {', '.join(refused)}")


def command_lines(rights: Iterable[Right]) -> Iterator[str]:
    """Yield the rights as calls of Kafka's own tool."""
    for right in rights:
        operations = " ".join(f"--operation {_camel(operation)}" for operation in right.operations)
        yield (
            f"kafka-acls.sh --bootstrap-server $KAFKA --command-config $ADMIN --add "
            f"--allow-principal User:{right.service} {operations} --{right.kind} {right.name}"
        )


def _camel(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_"))
