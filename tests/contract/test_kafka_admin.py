"""Provisioning on a real Kafka: what it creates, what it refuses, how it waits (design D3, D10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from dispute.contracts.topics import CATALOGUE
from hub.errors import Fault, Retryable
from hub.kafka.admin import check_rights, describe, eventually, provision, topic_id, wanted
from hub.kafka.bus import Bus, SaslCredentials
from hub.kafka.clients import admin
from hub.refusals import BUS_UNAVAILABLE
from hub.streams.topics import DAY_MS, Topic


def settings_of(bus: Bus, name: str) -> dict[str, str]:
    with admin(bus) as client:
        answer = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
    return {setting: row["value"] for setting, row in answer["topic"][name].items()}


@pytest.mark.kafka
def test_creates_the_topic_and_its_dead_letters(kafka_bus: Bus, fresh_topic: Topic) -> None:
    provision(kafka_bus, [replace(fresh_topic, retention_ms=30 * DAY_MS)])
    with admin(kafka_bus) as client:
        described = client.describe_topics([fresh_topic.name, fresh_topic.dead_letters])
        found = {row["name"]: len(row["partitions"]) for row in described}
    assert found == {fresh_topic.name: 3, fresh_topic.dead_letters: 1}
    settings = settings_of(kafka_bus, fresh_topic.name)
    assert settings["cleanup.policy"] == "delete"
    assert settings["retention.ms"] == str(30 * DAY_MS)
    assert settings["unclean.leader.election.enable"] == "false"
    assert settings["min.insync.replicas"] == "1"
    assert settings["message.timestamp.type"] == "LogAppendTime"
    assert settings_of(kafka_bus, fresh_topic.dead_letters)["retention.ms"] == str(90 * DAY_MS)


@pytest.mark.kafka
def test_twice_is_the_same(kafka_bus: Bus, fresh_topic: Topic) -> None:
    provision(kafka_bus, [fresh_topic])
    before = topic_id(kafka_bus, fresh_topic.name)
    provision(kafka_bus, [fresh_topic])
    assert topic_id(kafka_bus, fresh_topic.name) == before


@pytest.mark.kafka
async def test_five_services_may_do_it_at_once(kafka_bus: Bus, fresh_topic: Topic) -> None:
    await asyncio.gather(*(asyncio.to_thread(provision, kafka_bus, [fresh_topic]) for _ in range(5)))
    assert topic_id(kafka_bus, fresh_topic.name)


@pytest.mark.kafka
def test_refuses_another_number_of_partitions(kafka_bus: Bus, fresh_topic: Topic) -> None:
    provision(kafka_bus, [fresh_topic])
    with pytest.raises(Fault, match="has 3 partitions, 6 are wanted") as raised:
        provision(replace(kafka_bus, partitions=6), [fresh_topic])
    assert raised.value.code == "topic_mismatch"


@pytest.mark.kafka
def test_refuses_another_retention(kafka_bus: Bus, fresh_topic: Topic) -> None:
    provision(kafka_bus, [fresh_topic])
    with pytest.raises(Fault, match=r"retention\.ms=-1") as raised:
        provision(kafka_bus, [replace(fresh_topic, retention_ms=DAY_MS)])
    assert raised.value.code == "topic_mismatch"


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("setting", "value"),
    [("cleanup.policy", "compact"), ("unclean.leader.election.enable", "true")],
)
def test_refuses_what_leaves_holes(kafka_bus: Bus, fresh_topic: Topic, setting: str, value: str) -> None:
    with admin(kafka_bus) as client:
        options = {"num_partitions": 3, "replication_factor": 1, "configs": {"retention.ms": "-1", setting: value}}
        client.create_topics({fresh_topic.name: options}, wait_for_metadata=True)
    with pytest.raises(Fault, match=setting.replace(".", r"\.")) as raised:
        provision(kafka_bus, [fresh_topic])
    assert raised.value.code == "topic_mismatch"


@pytest.mark.kafka
def test_a_topic_of_an_older_release_is_stamped_by_the_broker_from_now_on(kafka_bus: Bus, fresh_topic: Topic) -> None:
    with admin(kafka_bus) as client:
        options = {"num_partitions": 3, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
        client.create_topics({fresh_topic.name: options}, wait_for_metadata=True)
    assert settings_of(kafka_bus, fresh_topic.name)["message.timestamp.type"] == "CreateTime"
    provision(kafka_bus, [fresh_topic])
    settings = settings_of(kafka_bus, fresh_topic.name)
    assert (settings["message.timestamp.type"], settings["retention.ms"]) == ("LogAppendTime", "-1")


@pytest.mark.kafka
def test_too_few_brokers_is_named_after_the_deadline(kafka_bus: Bus, fresh_topic: Topic) -> None:
    if len(describe(kafka_bus).brokers) > 1:
        pytest.skip("the cluster has enough brokers")
    with pytest.raises(Retryable, match="too few brokers"):
        provision(replace(kafka_bus, replication=3), [fresh_topic], deadline_s=0.5)


@pytest.mark.kafka
def test_describes_the_cluster(kafka_bus: Bus) -> None:
    cluster = describe(kafka_bus, deadline_s=5)
    assert cluster.cluster_id
    assert cluster.brokers
    assert cluster.version[0].isdigit()
    with pytest.raises(Retryable, match="of 99 brokers"):
        describe(kafka_bus, brokers=99)


@pytest.mark.kafka
def test_a_topic_that_is_missing_has_no_id(kafka_bus: Bus, fresh_topic: Topic) -> None:
    with pytest.raises(Retryable, match="does not exist"):
        topic_id(kafka_bus, fresh_topic.name)


@pytest.mark.kafka
def test_the_owner_of_a_plain_cluster_has_every_right(kafka_bus: Bus, fresh_topic: Topic) -> None:
    provision(kafka_bus, [fresh_topic])
    check_rights(kafka_bus, reads=[fresh_topic.name], writes=[fresh_topic.dead_letters])


def test_partitions_have_to_divide_the_shards() -> None:
    with pytest.raises(Fault) as raised:
        wanted(Bus("nowhere:1", partitions=5), CATALOGUE)
    assert raised.value.code == "topic_mismatch"


def test_the_catalogue_in_production_has_two_in_sync_of_three() -> None:
    rows = {row.name: row for row in wanted(Bus("nowhere:1", replication=3), CATALOGUE)}
    assert set(rows) == {topic.name for topic in CATALOGUE} | {topic.dead_letters for topic in CATALOGUE}
    assert {row.settings()["min.insync.replicas"] for row in rows.values()} == {"2"}
    assert rows["dispute.journal.v1"].settings()["retention.ms"] == "-1"


def test_an_absent_broker_is_named_after_the_deadline() -> None:
    with pytest.raises(Retryable, match="no route to the broker"):
        provision(Bus("127.0.0.1:9"), CATALOGUE, deadline_s=0.3)


def test_a_broken_address_is_named() -> None:
    with pytest.raises(Retryable, match="no route to the broker: nonsense"):
        provision(Bus("nonsense"), CATALOGUE, deadline_s=0)


def test_eventually_gives_up_only_at_the_deadline() -> None:
    tries = []

    def step() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise BUS_UNAVAILABLE.error(why="…")
        return len(tries)

    assert eventually(step, 5) == 3


def test_passwords_are_not_shown() -> None:
    assert "hidden-word" not in repr(Bus("a:1", credentials=SaslCredentials("someone", "hidden-word")))
