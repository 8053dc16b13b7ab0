"""A topic that was made a moment ago, on a cluster whose brokers do not all know it yet: ask again, never conclude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from dispute.contracts.topics import JOURNAL
from hub.errors import Retryable
from hub.kafka import admin, log
from hub.kafka.bus import Bus
from hub.kafka.log import Log

BUS = Bus("127.0.0.1:1", partitions=6)


class Cluster:
    """Answers as kafka-python's admin client: the first broker asked for settings has not heard of the topics."""

    def __init__(self, *, stamped_by: str = "LogAppendTime", may_alter: bool = True) -> None:
        self.asked = 0
        self.stamped_by = stamped_by
        self.may_alter = may_alter
        self.altered: dict[str, Mapping[str, str]] = {}

    def describe_topics(self, names: list[str]) -> list[Mapping[str, Any]]:
        counts = {row.name: row.partitions for row in admin.wanted(BUS, [JOURNAL])}
        return [{"name": n, "error_code": 0, "partitions": [{"leader_id": 1}] * counts[n]} for n in names]

    def describe_configs(self, _: object, **__: object) -> Mapping[str, Any]:
        self.asked += 1
        rows = admin.wanted(BUS, [JOURNAL])
        stamp = {admin.STAMP: self.stamped_by}
        known = {row.name: {n: {"value": v} for n, v in (row.settings() | stamp).items()} for row in rows}
        return {"topic": {name: {} for name in known} if self.asked == 1 else known}

    def alter_configs(self, resources: Sequence[Any], **__: object) -> Mapping[str, Any]:
        self.altered = {resource.name: resource.configs for resource in resources} if self.may_alter else {}
        return {"topic": {resource.name: "OK" if self.may_alter else "[Error 29] denied" for resource in resources}}


def provision(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(_: Bus) -> Iterator[Cluster]:
        yield cluster

    monkeypatch.setattr(admin, "admin", opened)
    admin.provision(BUS, [JOURNAL], deadline_s=5.0)


def test_a_broker_that_does_not_know_the_new_topic_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    provision(cluster, monkeypatch)
    assert cluster.asked == 2
    assert cluster.altered == {}


def test_topics_of_an_older_release_are_stamped_by_the_broker_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(stamped_by="CreateTime")
    provision(cluster, monkeypatch)
    assert cluster.altered == {name: {admin.STAMP: "LogAppendTime"} for name in (JOURNAL.name, JOURNAL.dead_letters)}


def test_a_cluster_that_may_not_be_altered_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logs:
        provision(Cluster(stamped_by="CreateTime", may_alter=False), monkeypatch)
    said = [line["topic"] for line in logs if line["event"] == "topic_stamped_by_senders"]
    assert said == [JOURNAL.name, JOURNAL.dead_letters]


class Consumer:
    """Answers as kafka-python's consumer at a broker that has not heard of the topic."""

    def partitions_for_topic(self, _: str) -> set[int]:
        return set()

    def close(self, **_: object) -> None:
        pass


@pytest.mark.parametrize("ask", [Log.beginnings, Log.ends])
def test_a_topic_without_partitions_is_one_to_ask_for_again(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - a method
    monkeypatch.setattr(Log, "check", lambda _self, _topic: None)
    monkeypatch.setattr(log, "consumer", lambda _bus: Consumer())
    with pytest.raises(Retryable) as raised:
        ask(Log(BUS), JOURNAL.name)
    assert raised.value.code == "bus_unavailable"
