"""A topic that was made a moment ago, on a cluster whose brokers do not all know it yet: ask again, never conclude."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from hub.contracts.topics import JOURNAL
from hub.errors import Retryable
from hub.streaming import admin, log
from hub.streaming.bus import Bus
from hub.streaming.log import Log

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
