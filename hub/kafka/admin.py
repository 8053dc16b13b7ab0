"""Creates and checks the topics of the catalogue.

Topics that differ from the catalogue are refused. It also answers what a cluster is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from kafka import errors as kafka_errors
from kafka.admin import ACLOperation, ConfigResource, ConfigResourceType, MemberToRemove

from hub.errors import Fault, Retryable
from hub.kafka.bus import Bus
from hub.kafka.clients import admin
from hub.refusals import BUS_UNAVAILABLE
from hub.streams.topics import DEAD_LETTER_RETENTION_MS, SHARDS, Topic

T = TypeVar("T")

POLL_S: Final = 0.2
STAMP: Final = "message.timestamp.type"
BY_THE_BROKER: Final = "LogAppendTime"
"""The broker refuses a record stamped by its sender when that machine's clock is more than an hour ahead. The record
itself states when something happened."""
STRANGER: Final = "santiao-hub-right-to-read"
"""A member id that no group has."""
MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""Above the batch limit of 512 KiB with its headers, so that what was accepted can be published."""


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """The required form of one topic.

    Attributes:
        name: Topic.
        partitions: Exactly this many.
        replication: Copies, only used when it is created here.
        retention_ms: -1 is for ever.
    """

    name: str
    partitions: int
    replication: int
    retention_ms: int

    def settings(self) -> dict[str, str]:
        """Return the topic's settings.

        Compaction and unclean election are off: both leave holes in the offsets.
        """
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "min.insync.replicas": str(max(1, self.replication - 1)),
            "unclean.leader.election.enable": "false",
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            STAMP: BY_THE_BROKER,
        }


log = structlog.get_logger(__name__)

CHECKED: Final = ("cleanup.policy", "retention.ms", "unclean.leader.election.enable")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's description of itself.

    Attributes:
        cluster_id: Its id.
        brokers: Node ids that are up.
        version: Release, such as `4.3`, derived from its API versions and features; `unknown` when they don't show it.
    """

    cluster_id: str
    brokers: tuple[int, ...]
    version: str


def wanted(bus: Bus, topics: Sequence[Topic]) -> list[TopicSettings]:
    """Return the topics that the catalogue requires.

    The topics of their dead letters are included.

    Raises:
        Fault: `topic_mismatch` when the number of partitions does not divide 24.
    """
    if bus.partitions < 1 or SHARDS % bus.partitions:
        raise Fault("topic_mismatch", f"{bus.partitions} partitions do not divide {SHARDS} shards")
    rows = []
    for topic in topics:
        partitions = 1 if topic.whole else bus.partitions
        rows.append(TopicSettings(topic.name, partitions, bus.replication, topic.retention_ms))
        if topic.whole:
            continue
        rows.append(TopicSettings(topic.dead_letters, 1, bus.replication, DEAD_LETTER_RETENTION_MS))
    return rows


def provision(bus: Bus, topics: Sequence[Topic], *, deadline_s: float = 30.0) -> None:
    """Create or check the topics and their dead letters.

    It waits for the broker. Several services do this at once at start-up: whoever comes second only checks.

    Args:
        bus: Partitions and replication are used for new topics; partitions are checked on old ones.
        topics: Rows of the catalogue.
        deadline_s: How long to wait for the broker and for leaders.

    Raises:
        Fault: `topic_mismatch`, `bus_auth_failed` or `bus_not_allowed`.
        Retryable: `bus_unavailable` when the deadline passed, naming the cause.
    """
    rows = wanted(bus, topics)
    eventually(lambda: _provision(bus, rows), deadline_s)


def eventually(step: Callable[[], T], deadline_s: float) -> T:
    """Retry `step` while it raises Retryable.

    At the deadline the last error is raised.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            return step()
        except Retryable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL_S)


def _provision(bus: Bus, rows: Sequence[TopicSettings]) -> None:
    with admin(bus) as client:
        found = _describe(client, [row.name for row in rows])
        missing = [row for row in rows if row.name not in found]
        if missing:
            _create(client, missing)
            found = _describe(client, [row.name for row in rows])
        for row in rows:
            _check_partitions(row, found.get(row.name))
        _check_settings(client, rows)


def recreate(bus: Bus, topics: Sequence[Topic], *, deadline_s: float = 60.0) -> None:
    """Delete the topics and create them again.

    They get `bus.partitions` partitions; topics of dead letters stay as they are. The content is lost: use it only for
    a bus that is drained and will be filled again from the stores.

    Raises:
        Fault: `topic_mismatch` when the number does not divide 24, `bus_auth_failed`, `bus_not_allowed`.
        Retryable: `bus_unavailable` when the deadline passed.
    """
    wanted(bus, topics)
    names = [topic.name for topic in topics]
    deadline = time.monotonic() + deadline_s

    def delete() -> None:
        with admin(bus) as client:
            left = sorted(_describe(client, names))
            if left:
                client.delete_topics(left)
                raise BUS_UNAVAILABLE.error(why=f"still being deleted: {', '.join(left)}")

    eventually(delete, deadline_s)
    provision(bus, topics, deadline_s=max(1.0, deadline - time.monotonic()))


def _describe(client: Any, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:  # noqa: ANN401 - no types
    """Return those of `names` that exist.

    A topic without leaders is not ready yet.
    """
    found = {}
    for topic in client.describe_topics(list(names)):
        error = kafka_errors.for_code(topic["error_code"])
        if error in {kafka_errors.UnknownTopicOrPartitionError, kafka_errors.InvalidTopicError}:
            continue
        if error is not kafka_errors.NoError:
            raise error(topic["name"])
        if any(partition["leader_id"] < 0 for partition in topic["partitions"]):
            raise BUS_UNAVAILABLE.error(why=f"{topic['name']} has partitions without a leader")
        found[topic["name"]] = topic
    return found


def _create(client: Any, rows: Sequence[TopicSettings]) -> None:  # noqa: ANN401 - no types
    answer = client.create_topics(
        {
            row.name: {
                "num_partitions": row.partitions,
                "replication_factor": row.replication,
                "configs": row.settings(),
            }
            for row in rows
        },
        raise_errors=False,
    )
    for topic in answer["topics"]:
        error = kafka_errors.for_code(topic["error_code"])
        if error is kafka_errors.InvalidReplicationFactorError:
            raise BUS_UNAVAILABLE.error(why=f"{topic['name']}: too few brokers up: {topic['error_message']}")
        if error not in {kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError}:
            raise error(f"{topic['name']}: {topic['error_message']}")
    client.wait_for_topics([row.name for row in rows])


def _check_partitions(row: TopicSettings, topic: Mapping[str, Any] | None) -> None:
    if topic is None:
        raise BUS_UNAVAILABLE.error(why=f"{row.name} was created and is not visible yet")
    count = len(topic["partitions"])
    if count != row.partitions:
        raise Fault("topic_mismatch", f"{row.name} has {count} partitions, {row.partitions} are wanted")


def _check_settings(client: Any, rows: Sequence[TopicSettings]) -> None:  # noqa: ANN401 - no types
    resources = [ConfigResource(ConfigResourceType.TOPIC, row.name) for row in rows]
    answer = client.describe_configs(resources, config_filter="all")
    by_topic = answer[ConfigResourceType.TOPIC.name.lower()]
    by_senders = []
    for row in rows:
        has = by_topic.get(row.name)
        if not has:
            # The client drops the error: a broker that does not know the new topic yet answers with no setting.
            raise BUS_UNAVAILABLE.error(why=f"{row.name} shows no settings: new to that broker, or not ours to see")
        for name in CHECKED:
            value = str(has[name]["value"])
            if value != row.settings()[name]:
                raise Fault("topic_mismatch", f"{row.name} has {name}={value}, {row.settings()[name]} is wanted")
        if str(has[STAMP]["value"]) != BY_THE_BROKER:
            by_senders.append(row.name)
    if by_senders:
        _stamp_by_the_broker(client, by_senders)


def _stamp_by_the_broker(client: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - no types
    """Alter topics of an older release.

    Where the cluster's owner forbids it, the relay survives a clock that is ahead.
    """
    wanted_now = {STAMP: BY_THE_BROKER}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, wanted_now) for name in names]
    answer = client.alter_configs(resources, raise_on_unknown=False)
    for name, result in answer[ConfigResourceType.TOPIC.name.lower()].items():
        if result == "OK":
            log.info("topic_altered", topic=name, **wanted_now)
        else:
            log.warning("topic_stamped_by_senders", topic=name, detail=result)


def topic_id(bus: Bus, topic: str) -> str:
    """Return the topic's id.

    It changes when the topic is deleted and created again.

    Raises:
        Retryable: `bus_unavailable`, also while the topic does not exist.
    """
    with admin(bus) as client:
        return id_of(client.describe_topics([topic]), topic)


def id_of(answer: Sequence[Mapping[str, Any]], topic: str) -> str:
    """Read a topic's id from a metadata answer."""
    for row in answer:
        if row["name"] == topic:
            error = kafka_errors.for_code(row["error_code"])
            if issubclass(error, kafka_errors.AuthorizationError):
                raise error(topic)
            if error is kafka_errors.NoError:
                return str(row["topic_id"])
    raise BUS_UNAVAILABLE.error(why=f"topic {topic} does not exist")


def describe(bus: Bus, *, brokers: int = 1, deadline_s: float = 0.0) -> Cluster:
    """Return the cluster's description once it is ready.

    Ready means that at least `brokers` brokers are up.

    Raises:
        Fault: `bus_auth_failed` or `bus_not_allowed`.
        Retryable: `bus_unavailable` when the deadline passed, naming the cause.
    """

    def ask() -> Cluster:
        with admin(bus, min(bus.request_timeout_s, max(1.0, deadline_s))) as client:
            answer = client.describe_cluster()
            up = tuple(sorted(broker["broker_id"] for broker in answer["brokers"] if not broker.get("is_fenced")))
            if len(up) < brokers:
                raise BUS_UNAVAILABLE.error(why=f"{len(up)} of {brokers} brokers are up")
            return Cluster(str(answer["cluster_id"]), up, _version(client))

    return eventually(ask, deadline_s)


def _version(client: Any) -> str:  # noqa: ANN401 - no types
    # the protocol states no release: kafka-python infers it from the API versions that the broker offers
    version = client._manager.broker_version  # noqa: SLF001 - there is no public way to it
    return ".".join(str(part) for part in version) if version else "unknown"


def check_rights(bus: Bus, *, reads: Sequence[str] = (), writes: Sequence[str] = ()) -> None:
    """Refuse to start when rights are missing.

    A consumer without them would receive nothing and report nothing.

    Raises:
        Fault: `bus_not_allowed` naming topic and right, `bus_auth_failed`.
        Retryable: `bus_unavailable`, also when a topic does not exist.
    """
    needs = [(name, ACLOperation.READ) for name in reads] + [(name, ACLOperation.WRITE) for name in writes]
    with admin(bus) as client:
        answer = {row["name"]: row for row in client.describe_topics(sorted({name for name, _ in needs}))}
        for name, operation in needs:
            id_of([answer[name]], name)
            granted = answer[name].get("authorized_operations") or ()
            if operation.name not in granted:
                user = bus.credentials.username if bus.credentials else "ANONYMOUS"
                raise Fault("bus_not_allowed", f"user {user!r} lacks {operation.name} on topic {name}")


def check_group(bus: Bus, group: str) -> None:
    """Refuse to start without the right to the group.

    The consumer would retry for ever and report nothing. The check uses a request that needs this very right: a member
    that does not exist leaves the group. A description shows no rights of a group that does not exist yet, which is so
    at the first start of each reader.

    Raises:
        Fault: `bus_not_allowed` or `bus_auth_failed`.
        Retryable: `bus_unavailable`.
    """
    with admin(bus) as client:
        try:
            client.remove_group_members(group, [MemberToRemove(member_id=STRANGER)])
        except kafka_errors.AuthorizationError as error:
            user = bus.credentials.username if bus.credentials else "ANONYMOUS"
            raise Fault("bus_not_allowed", f"user {user!r} lacks READ on group {group}") from error
        except (kafka_errors.RetriableError, kafka_errors.UnknownMemberIdError):
            # a coordinator that is just starting refuses nobody; the consumer waits for it by itself
            return
