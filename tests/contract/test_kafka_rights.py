"""What a secured cluster refuses is named at the start, instead of a consumer that stays silent."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from hub.errors import Fault
from hub.kafka import worker
from hub.kafka.admin import check_group, check_rights, describe, provision
from hub.kafka.bus import Bus
from hub.kafka.clients import admin
from hub.kafka.log import Log
from hub.kafka.worker import STOP_S, FaustFeed
from hub.streams.topics import Topic
from ops.run.broker import NativeKafka
from tests.support.buses import KafkaRig, collect, fill, until

pytestmark = pytest.mark.kafka


@pytest.fixture
def secured(native_kafka: NativeKafka, kafka_password: str, fresh_topic: Topic) -> Bus:
    provision(Bus(native_kafka.bootstrap, partitions=3), [fresh_topic])
    return replace(native_kafka.secured_bus("reader", kafka_password), partitions=3)


async def test_a_wrong_password_is_named(secured: Bus, fresh_topic: Topic, tmp_path: Path) -> None:
    assert secured.credentials is not None
    wrong = replace(secured, credentials=replace(secured.credentials, password="wrong"))
    feed = FaustFeed(wrong, fresh_topic, "g", dict, tmp_path)
    for refused in (feed.start(), asyncio.to_thread(describe, wrong), asyncio.to_thread(Log(wrong).ends, "x")):
        with pytest.raises(Fault, match="'reader'") as raised:
            await refused
        assert raised.value.code == "bus_auth_failed"
        assert "wrong name, password" in raised.value.detail
    await feed.stop()


async def test_a_missing_right_is_named_instead_of_silence(secured: Bus, fresh_topic: Topic, tmp_path: Path) -> None:
    feed = FaustFeed(secured, fresh_topic, "g", dict, tmp_path)
    log = Log(secured)
    for refused in (feed.start(), asyncio.to_thread(log.read, fresh_topic.name, 0, 0, 1)):
        with pytest.raises(Fault) as raised:
            await refused
        assert raised.value.code == "bus_not_allowed"
    await feed.stop()


async def test_a_right_to_see_is_not_a_right_to_read(
    native_kafka: NativeKafka,
    secured: Bus,
    fresh_topic: Topic,
) -> None:
    grant(native_kafka, ResourceType.TOPIC, fresh_topic.name, ACLOperation.DESCRIBE)
    await until(lambda: sees(secured, fresh_topic))
    with pytest.raises(Fault, match="lacks READ"):
        check_rights(secured, reads=[fresh_topic.name])
    with pytest.raises(Fault, match="lacks WRITE"):
        check_rights(secured, writes=[fresh_topic.name])


async def test_with_the_rights_it_reads(
    native_kafka: NativeKafka,
    secured: Bus,
    fresh_topic: Topic,
    tmp_path: Path,
) -> None:
    rig = KafkaRig(fresh_topic, Bus(native_kafka.bootstrap, partitions=3), tmp_path)
    await fill(rig, 2)
    await rig.close()
    grant(native_kafka, ResourceType.TOPIC, fresh_topic.name, ACLOperation.READ)
    group = f"{fresh_topic.name}-g"
    grant(native_kafka, ResourceType.GROUP, group, ACLOperation.READ)
    await until(lambda: reads(secured, fresh_topic))
    await until(lambda: joins(secured, group))
    feed = FaustFeed(secured, fresh_topic, group, dict, tmp_path / "allowed")
    await feed.start()
    assert len(await collect(feed, 6)) == 6
    assert len(await feed.fetch(1, 0, 2)) == 2, "the second consumer proves who it is too"
    await feed.stop()


async def test_a_missing_right_to_the_group_is_named_instead_of_silence(
    native_kafka: NativeKafka,
    secured: Bus,
    fresh_topic: Topic,
    tmp_path: Path,
) -> None:
    grant(native_kafka, ResourceType.TOPIC, fresh_topic.name, ACLOperation.READ)
    await until(lambda: reads(secured, fresh_topic))
    feed = FaustFeed(secured, fresh_topic, f"{fresh_topic.name}-forbidden", dict, tmp_path / "forbidden")
    with pytest.raises(Fault, match=r"(?i)group") as raised:
        await feed.start()
    assert raised.value.code == "bus_not_allowed"
    await feed.stop()


async def test_a_right_to_see_a_group_is_not_a_right_to_join_it(
    native_kafka: NativeKafka, secured: Bus, fresh_topic: Topic
) -> None:
    """Also of a group that does not exist yet, as at each reader's first start: it then has no rights to tell."""
    group = f"{fresh_topic.name}-first"
    with pytest.raises(Fault, match="lacks READ on group"):
        check_group(secured, group)
    grant(native_kafka, ResourceType.GROUP, group, ACLOperation.DESCRIBE)
    await until(lambda: described(secured, group))
    with pytest.raises(Fault, match="lacks READ on group") as raised:
        check_group(secured, group)
    assert raised.value.code == "bus_not_allowed"
    grant(native_kafka, ResourceType.GROUP, group, ACLOperation.READ)
    await until(lambda: joins(secured, group))


async def test_never_joining_is_not_alive_and_stops_in_time(
    native_kafka: NativeKafka,
    secured: Bus,
    fresh_topic: Topic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refused member stays a running process that does nothing: only its missing progress tells."""
    grant(native_kafka, ResourceType.TOPIC, fresh_topic.name, ACLOperation.READ)
    await until(lambda: reads(secured, fresh_topic))
    monkeypatch.setattr(worker, "check_group", lambda _bus, _group: None)
    feed = FaustFeed(secured, fresh_topic, f"{fresh_topic.name}-forbidden", dict, tmp_path / "forbidden")
    await feed.start()
    assert not await feed.next(0.5, 10)
    assert feed.assigned() == frozenset()
    assert feed.alive(), "it has just begun"
    feed._polled_at -= 60
    assert not feed.alive()
    started = time.monotonic()
    await feed.stop()
    assert time.monotonic() - started < STOP_S + 2


def reads(bus: Bus, topic: Topic) -> bool:
    """Tell whether a right that was just granted has reached the broker."""
    try:
        check_rights(bus, reads=[topic.name])
    except Fault:
        return False
    return True


def joins(bus: Bus, group: str) -> bool:
    try:
        check_group(bus, group)
    except Fault:
        return False
    return True


def described(bus: Bus, group: str) -> bool:
    try:
        with admin(bus) as client:
            return bool(client.describe_groups([group]))
    except Fault:
        return False


def sees(bus: Bus, topic: Topic) -> bool:
    try:
        check_rights(bus, reads=[topic.name])
    except Fault as refused:
        return "lacks READ" in refused.detail
    return True


def grant(broker: NativeKafka, kind: ResourceType, name: str, operation: ACLOperation) -> None:
    with admin(Bus(broker.bootstrap)) as client:
        client.create_acls(
            [
                ACL(
                    principal="User:reader",
                    host="*",
                    operation=operation,
                    permission_type=ACLPermissionType.ALLOW,
                    resource_pattern=ResourcePattern(kind, name),
                ),
            ],
        )
