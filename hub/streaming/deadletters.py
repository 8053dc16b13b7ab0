"""Dead letters: the original record untouched, with headers that say why, whence and how often (conventions 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hub.contracts.stream import Message
from hub.contracts.topics import Topic
from hub.errors import Rejected
from hub.journal.ports import FeedRecord

PREFIX: Final = "dlq_"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a record was put aside.

    Attributes:
        reason: Code from the closed list.
        detail: Text for people; never personal data, never the value.
        attempts: How often it was tried, at least 1.
        first_failed: UTC.
        service_version: Who gave up: `<service> <version>`.
    """

    reason: str
    detail: str
    attempts: int
    first_failed: datetime
    service_version: str


def dead_letter(topic: Topic, record: FeedRecord, cause: Cause) -> Message:
    """Return the message for the topic's dead letters.

    Key, value and headers are the original's; ours are added behind. A record that was a dead letter before (redriven
    and refused again) loses the old reason, so that each header stands once.
    """
    headers = [(name, value) for name, value in record.headers if not name.startswith(PREFIX)]
    ours = {
        "reason": cause.reason,
        "detail": cause.detail,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "attempts": str(cause.attempts),
        "first_failed_time": cause.first_failed.astimezone(UTC).isoformat(),
        "service_version": cause.service_version,
    }
    headers += [(PREFIX + name, value.encode()) for name, value in ours.items()]
    return Message(topic.dead_letters, 0, record.key or b"", record.value or b"", tuple(headers))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a dead letter came from and why it is one."""

    topic: str
    partition: int
    offset: int
    cause: Cause


def origin_of(record: FeedRecord) -> Origin:
    """Read a dead letter's headers.

    Raises:
        Rejected: `not_a_dead_letter`.
    """
    named: Mapping[str, bytes] = dict(record.headers)

    def text(name: str) -> str:
        return named[PREFIX + name].decode()

    try:
        return Origin(
            text("topic"),
            int(text("partition")),
            int(text("offset")),
            Cause(
                text("reason"),
                text("detail"),
                int(text("attempts")),
                datetime.fromisoformat(text("first_failed_time")),
                text("service_version"),
            ),
        )
    except (KeyError, ValueError) as error:
        raise Rejected("not_a_dead_letter", f"headers do not name an origin: {type(error).__name__}") from error


def original(record: FeedRecord) -> Message:
    """Return the original message, for a redrive to the partition that it came from.

    Raises:
        Rejected: `not_a_dead_letter`.
    """
    origin = origin_of(record)
    headers = tuple((name, value) for name, value in record.headers if not name.startswith(PREFIX))
    return Message(origin.topic, origin.partition, record.key or b"", record.value or b"", headers)
