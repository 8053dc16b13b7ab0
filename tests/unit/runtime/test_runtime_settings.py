"""Settings: what an operator misspells or forgets is said in one line each, and ends the process with 2."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, SecretStr, ValidationError
from typing_extensions import override

from hub.runtime.settings import LAUNCHER_NAMES, ServiceSettings, load, misspelt, settings_table, variables

REQUIRED = {
    "HUB_STORE_URL": "sqlite:////tmp/x.db",
    "HUB_KAFKA_BOOTSTRAP": "127.0.0.1:9092,127.0.0.1:9093",
    "HUB_GRPC_PORT": "0",
    "HUB_HTTP_PORT": "0",
    "HUB_KEYS_DIR": "/tmp/keys",  # noqa: S108 - only a value; nothing is written there
}


class OwnSettings(ServiceSettings):
    partner_token: SecretStr = Field(default=SecretStr("s3cret"), description="令牌 Token")
    mode: Literal["a", "b"] | None = Field(default=None, description="方式 Mode")
    retry_wait_s: float = Field(default=1.5, description="等待 Wait")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.upper().startswith("HUB_")]:
        monkeypatch.delenv(name)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(capsys: pytest.CaptureFixture[str], cls: type[ServiceSettings] = ServiceSettings) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        load(cls)
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()


def test_loads_from_the_environment_and_is_frozen() -> None:
    settings = load(ServiceSettings)
    assert settings.keys_dir == Path("/tmp/keys")  # noqa: S108 - as above
    assert settings.kafka_partitions == 6
    with pytest.raises(ValidationError):
        settings.grpc_port = 1  # type: ignore[misc] # the point of the test


def test_a_misspelt_variable_is_refused_with_the_nearest_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("HUB_KAFKA_PARTITION", "12")
    lines = refusal(capsys)
    assert len(lines) == 1
    assert "HUB_KAFKA_PARTITION:" in lines[0]
    assert "nearest known name is HUB_KAFKA_PARTITIONS" in lines[0]


def test_every_misspelt_variable_has_its_line_also_in_lower_case() -> None:
    assert len(misspelt(ServiceSettings, {"HUB_STOR_URL": "x", "hub_hots": "x", "PATH": "x", "HUBBLE": "x"})) == 2


@pytest.mark.parametrize("name", sorted(LAUNCHER_NAMES))
def test_variables_of_the_launcher_are_no_mistake(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "native")
    load(ServiceSettings)


def test_a_service_knows_its_own_variables(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HUB_RETRY_WAIT_S", "2.5")
    assert load(OwnSettings).retry_wait_s == 2.5
    assert len(misspelt(ServiceSettings, os.environ)) == 1


def test_missing_and_wrong_values_get_one_line_each_without_the_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("HUB_KAFKA_BOOTSTRAP")
    environment.setenv("HUB_STORE_URL", "mysql://root:hunter2@host/db")
    environment.setenv("HUB_GRPC_PORT", "many")
    lines = refusal(capsys)
    assert [line.split(": ")[1] for line in lines] == ["HUB_STORE_URL", "HUB_KAFKA_BOOTSTRAP", "HUB_GRPC_PORT"]
    assert "必须设置" in lines[1]
    assert not any("hunter2" in line or "many" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_KAFKA_PARTITIONS", "5"),
        ("HUB_KAFKA_PARTITIONS", "0"),
        ("HUB_KAFKA_PARTITIONS", "-6"),
        ("HUB_GRPC_PORT", "65536"),
        ("HUB_CLOCK", "lamport"),
        ("HUB_LOG_LEVEL", "loud"),
        ("HUB_KAFKA_BOOTSTRAP", "no-port"),
        ("HUB_SESSION_TIMEOUT_S", "0"),
        ("HUB_STORE_URL", ""),
        ("HUB_AUDIT_DAYS", "182"),
        ("HUB_AUDIT_ROWS_MOST", "0"),
    ],
)
def test_values_out_of_range_are_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    environment.setenv(name, value)
    (line,) = refusal(capsys)
    assert name in line


PROVIDER = {
    "HUB_OPENID_ISSUER": "https://id.example.invalid/county",
    "HUB_OPENID_AUDIENCE": "santiao-hub",
    "HUB_OPENID_JWKS_URL": "https://id.example.invalid/county/jwks",
}


@pytest.mark.parametrize("url", [PROVIDER["HUB_OPENID_JWKS_URL"], "http://127.0.0.1:8080/jwks", "http://[::1]/jwks"])
def test_an_identity_provider_is_set_as_a_whole(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert load(ServiceSettings).openid_issuer == ""
    for name, value in (PROVIDER | {"HUB_OPENID_JWKS_URL": url}).items():
        environment.setenv(name, value)
    assert load(ServiceSettings).openid_jwks_url == url
    for name, value in PROVIDER.items():
        environment.delenv(name)
        (line,) = refusal(capsys)
        assert "set all or none" in line
        environment.setenv(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_OPENID_JWKS_URL", "http://id.example.invalid/jwks"),
        ("HUB_OPENID_JWKS_URL", "http://127.0.0.1.example.invalid/jwks"),
        ("HUB_OPENID_JWKS_URL", "http://127.0.0.1@example.invalid/jwks"),
        ("HUB_OPENID_JWKS_URL", "https://user:hunter2@id.example.invalid/jwks"),
        ("HUB_OPENID_JWKS_URL", "https://id.example.invalid:many/jwks"),
        ("HUB_OPENID_JWKS_URL", "https:///jwks"),
        ("HUB_OPENID_JWKS_URL", "https://id.example.invalid/a b"),
        ("HUB_OPENID_JWKS_URL", "file:///etc/jwks"),
        ("HUB_OPENID_JWKS_URL", "//id.example.invalid/jwks"),
        ("HUB_OPENID_ISSUER", "https://id.example.invalid/\u53bf"),
        ("HUB_OPENID_ISSUER", "two issuers"),
        ("HUB_OPENID_AUDIENCE", "two audiences"),
    ],
)
def test_keys_of_a_provider_come_over_a_line_that_nobody_can_change(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    for each, given in (PROVIDER | {name: value}).items():
        environment.setenv(each, given)
    (line,) = refusal(capsys)
    assert name in line
    assert "hunter2" not in line


@pytest.mark.parametrize("partitions", [1, 2, 3, 4, 6, 8, 12, 24])
def test_every_divisor_of_24_is_a_number_of_partitions(environment: pytest.MonkeyPatch, partitions: int) -> None:
    environment.setenv("HUB_KAFKA_PARTITIONS", str(partitions))
    assert load(ServiceSettings).kafka_partitions == partitions


def test_printing_settings_shows_no_password(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HUB_STORE_URL", "postgresql+psycopg://hub:hunter2@127.0.0.1/hub")
    environment.setenv("HUB_PARTNER_TOKEN", "hunter3")
    printed = repr(load(OwnSettings)) + str(load(OwnSettings))
    assert "hunter" not in printed


def test_the_page_has_a_row_for_each_variable_with_unit_and_default() -> None:
    table = settings_table(OwnSettings)
    for name in variables(OwnSettings):
        assert f"`{name}`" in table
    (row,) = [line for line in table.splitlines() if "HUB_RETRY_WAIT_S" in line]
    assert "秒 s" in row
    assert "`1.5`" in row
    assert "必填 required" in table
    assert "s3cret" not in table
    assert all(line.count("|") - line.count("\\|") == 6 for line in table.splitlines())


def test_a_setting_without_description_is_no_setting() -> None:
    class Mute(ServiceSettings):
        volume: int = 3

        @override
        def __repr__(self) -> str:
            return "Mute"

    with pytest.raises(ValueError, match="volume"):
        settings_table(Mute)


def test_workers_of_one_store_have_names_of_their_own_that_outlive_a_restart(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HUB_GRPC_PORT", "7001")
    first, again = load(ServiceSettings).worker_name(), load(ServiceSettings).worker_name()
    environment.setenv("HUB_GRPC_PORT", "7002")
    other = load(ServiceSettings).worker_name()
    assert first == again != other
    environment.setenv("HUB_WORKER", "intake-b")
    assert load(ServiceSettings).worker_name() == "intake-b"
