"""How a service logs in at Kafka, by its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dispute.contracts.topics import BRIDGES, CATALOGUE, CREDENTIALS, HANDOFFS, JOURNAL, TOPICS
from hub.errors import Fault
from hub.kafka.rights import command_lines, rights_of
from hub.runtime.settings import ServiceSettings
from hub.service.bus import bus_of


def settings(folder: Path, **changes: Any) -> ServiceSettings:  # noqa: ANN401 - any setting
    values: dict[str, Any] = {
        "store_url": f"sqlite:///{folder / 's.db'}",
        "kafka_bootstrap": "127.0.0.1:9",
        "grpc_port": 0,
        "http_port": 0,
        "keys_dir": folder,
    }
    return ServiceSettings(**(values | changes))


def test_without_a_user_a_service_speaks_plain_text(tmp_path: Path) -> None:
    assert bus_of(settings(tmp_path)).security() == {"security_protocol": "PLAINTEXT"}


def test_a_user_logs_in_with_scram_over_tls(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("not-for-anybody\n")
    (tmp_path / "ca.pem").write_text("")
    files = {"kafka_password_file": tmp_path / "password", "kafka_ca_file": tmp_path / "ca.pem"}
    bus = bus_of(settings(tmp_path, kafka_username="intake", **files))
    assert bus.security() == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "intake",
        "sasl_plain_password": "not-for-anybody",
        "ssl_cafile": str(tmp_path / "ca.pem"),
    }
    assert "not-for-anybody" not in repr(bus)


def test_a_login_that_can_not_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("x")
    for changes in (
        {},
        {"kafka_password_file": tmp_path / "none"},
        {"kafka_password_file": tmp_path / "password", "kafka_ca_file": tmp_path / "none"},
    ):
        with pytest.raises(Fault) as fault:
            bus_of(settings(tmp_path, kafka_username="intake", **changes))
        assert fault.value.code == "kafka_login_unreadable"


def test_rights_follow_from_the_catalogue() -> None:
    rights = rights_of(TOPICS)
    writers = {(right.service, right.name) for right in rights if "WRITE" in right.operations}
    assert writers == {
        *((bridge, HANDOFFS.name) for bridge in BRIDGES),
        *((bridge, JOURNAL.dead_letters) for bridge in BRIDGES),
        ("intake", JOURNAL.name),
        ("intake", HANDOFFS.dead_letters),
        ("intake", CREDENTIALS.name),
        ("stats", JOURNAL.dead_letters),
    }
    readers = {(right.service, right.name) for right in rights if right.kind == "topic" and "READ" in right.operations}
    assert ("stats", HANDOFFS.name) not in readers
    assert {name for service, name in readers if service == "stats"} == {JOURNAL.name, CREDENTIALS.name}
    assert not any("ALTER" in operation or operation in {"ALL", "DELETE"} for r in rights for operation in r.operations)
    assert not any(topic.dead_letters == name for topic in CATALOGUE for _, name in readers)
    assert "--allow-principal User:stats" in "".join(command_lines(rights))
