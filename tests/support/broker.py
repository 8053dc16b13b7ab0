"""A real broker for tests marked `kafka`: chosen as `hub demo` chooses it, started once, ended with the session."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from uuid import uuid4

import pytest

from hub.errors import Rejected
from hub.kafka.bus import Bus
from hub.streams.topics import Topic
from ops.run.broker import Broker, BrokerKind, NativeKafka, choose, open_broker
from ops.run.broker.properties import Secured


def is_required() -> bool:
    """Without a broker these tests are skipped at home, and fail in CI."""
    return bool(os.environ.get("CI")) or os.environ.get("HUB_REQUIRE_KAFKA") == "1"


@pytest.fixture(scope="session")
def kafka_password() -> str:
    return secrets.token_urlsafe(12)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory, kafka_password: str) -> Iterator[Broker]:
    try:
        choice = choose(os.environ)
    except Rejected as missing:
        if is_required():
            pytest.fail(missing.detail)
        pytest.skip(missing.detail)
    folder = tmp_path_factory.mktemp("kafka")
    broker: Broker
    if choice.kind is BrokerKind.NATIVE:
        broker = NativeKafka(folder, say=print, secured=Secured({"reader": kafka_password}))
    else:
        broker = open_broker(choice, folder, print)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka_broker: Broker) -> str:
    return kafka_broker.bootstrap


@pytest.fixture
def kafka_bus(kafka_bootstrap: str) -> Bus:
    return Bus(kafka_bootstrap, partitions=3)


@pytest.fixture
def native_kafka(kafka_broker: Broker) -> Iterator[NativeKafka]:
    """The session's broker for a test that stops it; it runs again afterwards."""
    if not isinstance(kafka_broker, NativeKafka):
        pytest.skip("only a native broker can be killed by a test")
    yield kafka_broker
    kafka_broker.wait_ready()


@pytest.fixture
def ruled_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker where everybody may do what no access rule is about."""
    if choose(os.environ).kind is not BrokerKind.NATIVE:
        pytest.skip("only a native broker is given access rules")
    broker = NativeKafka(tmp_path_factory.mktemp("ruled"), say=print, secured=Secured({}))
    broker.start()
    yield broker.bootstrap
    broker.stop()


@pytest.fixture
def fresh_topic() -> Topic:
    """A topic of its own for each test: a broker is shared."""
    return Topic(
        name=f"test.{uuid4().hex[:12]}.v1",
        record="hub.journal.v1.JournalEvent",
        ce_type="cn.santiao.test.batch.v1",
        producers=("test",),
        readers=("test",),
        owner="test",
        retention_ms=-1,
    )
