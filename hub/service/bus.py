"""What a service needs of the bus.

The bus is Kafka, or an in-memory one in tests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hub.errors import Fault
from hub.kafka.admin import provision
from hub.kafka.bus import Bus, SaslCredentials
from hub.kafka.log import Log
from hub.kafka.publisher import KafkaPublisher
from hub.kafka.worker import FaustFeed
from hub.runtime.settings import ServiceSettings
from hub.streams.heads import OpenLog
from hub.streams.memory import MemoryBus, MemoryPublisher
from hub.streams.memory_feed import MemoryFeed
from hub.streams.memory_log import MemoryLog
from hub.streams.ports import Feed, Places, Publisher
from hub.streams.topics import Topic

PROVISION_S: Final = 2.0
"""Bound of one try: a process that is asked to stop must not wait for an unreachable bus."""
LOOK_S: Final = 3.0
"""Bound of one request when the log is checked before the servers start."""


@dataclass(frozen=True, slots=True)
class BusPorts:
    """The four uses of the bus by a service.

    Attributes:
        provision: Makes sure that the topics are there; blocks. `Retryable` while there is no bus, `Fault` for a topic
            that differs from its row in the catalogue.
        publisher: Makes a publisher; each relay has its own.
        feed: Makes the feed of a topic for a group, which begins at the reader's own places.
        log: Opens the log of what the service itself published.
    """

    provision: Callable[[], None]
    publisher: Callable[[], Publisher]
    feed: Callable[[Topic, str, Places], Feed]
    log: OpenLog


def kafka(settings: ServiceSettings, service: str, topics: Sequence[Topic]) -> BusPorts:
    """Return Kafka's ports.

    Args:
        settings: Address and time-outs of the bus.
        service: Name; a folder of the machine's temporary files is named after it and the worker. Faust needs one,
            and nothing of value is kept there.
        topics: Topics that the service creates or checks.
    """
    bus = bus_of(settings)
    folder = Path(tempfile.gettempdir()) / "santiao-faust" / f"{service}-{settings.worker_name()}"
    return BusPorts(
        provision=lambda: provision(bus, topics, deadline_s=PROVISION_S),
        publisher=lambda: KafkaPublisher(bus),
        feed=lambda topic, group, places: FaustFeed(bus, topic, group, places, folder),
        log=lambda: Log(replace(bus, request_timeout_s=LOOK_S)),
    )


def bus_of(settings: ServiceSettings) -> Bus:
    """Return the address of Kafka, and who logs in there.

    Raises:
        Fault: `kafka_login_unreadable`: start-up stops.
    """
    return Bus(
        settings.kafka_bootstrap,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        session_timeout_s=settings.session_timeout_s,
        credentials=_credentials(settings),
    )


def _credentials(settings: ServiceSettings) -> SaslCredentials | None:
    if not settings.kafka_username:
        return None
    if settings.kafka_password_file is None:
        raise Fault("kafka_login_unreadable", "HUB_KAFKA_USERNAME is set, and HUB_KAFKA_PASSWORD_FILE is not")
    try:
        password = settings.kafka_password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Fault("kafka_login_unreadable", f"{settings.kafka_password_file}: {error.strerror}") from error
    authority = settings.kafka_ca_file
    if authority is not None and not authority.is_file():
        raise Fault("kafka_login_unreadable", f"{authority}: no such file")
    return SaslCredentials(settings.kafka_username, password, ca_file="" if authority is None else str(authority))


def memory(bus: MemoryBus, provisioned: Callable[[], None] = lambda: None) -> BusPorts:
    """Return the ports of an in-memory bus.

    `provisioned` may raise a refusal.
    """
    return BusPorts(
        provision=provisioned,
        publisher=lambda: MemoryPublisher(bus),
        feed=lambda topic, group, places: MemoryFeed(bus, topic, group, places),
        log=lambda: MemoryLog(bus),
    )
