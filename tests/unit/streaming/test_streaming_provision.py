"""Provisioning on a cluster whose brokers do not all know a new topic yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from hub.contracts.topics import JOURNAL
from hub.streaming import admin
from hub.streaming.bus import Bus

BUS = Bus("127.0.0.1:1", partitions=6)


class Cluster:
    """Answers as kafka-python's admin client: the first broker asked for settings has not heard of the topics."""

    def __init__(self) -> None:
        self.asked = 0

    def describe_topics(self, names: list[str]) -> list[Mapping[str, Any]]:
        counts = {row.name: row.partitions for row in admin.wanted(BUS, [JOURNAL])}
        return [{"name": n, "error_code": 0, "partitions": [{"leader_id": 1}] * counts[n]} for n in names]

    def describe_configs(self, _: object, **__: object) -> Mapping[str, Any]:
        self.asked += 1
        rows = admin.wanted(BUS, [JOURNAL])
        known = {row.name: {name: {"value": value} for name, value in row.settings().items()} for row in rows}
        return {"topic": {name: {} for name in known} if self.asked == 1 else known}


def test_a_broker_that_does_not_know_the_new_topic_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()

    @contextmanager
    def opened(_: Bus) -> Iterator[Cluster]:
        yield cluster

    monkeypatch.setattr(admin, "admin", opened)
    admin.provision(BUS, [JOURNAL], deadline_s=5.0)
    assert cluster.asked == 2
