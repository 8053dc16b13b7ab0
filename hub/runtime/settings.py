"""Reads the settings from the environment.

They are one frozen object, built once by `__main__`. `settings_table` makes the page that documents them.
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Final, Literal, NoReturn, TypeVar, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "HUB_"
EXIT_USAGE: Final = 2
LAUNCHER_NAMES: Final = frozenset({"HUB_KAFKA", "HUB_REQUIRE_KAFKA"})
"""Variables of the launcher and the tests: no service reads them, and none reports them as misspelt."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
AUDIT_DAYS_LEAST: Final = 184
"""Six months (网络安全法, network logs): from March to September they have so many days."""

_SHARDS: Final = 24
_UNITS: Final = {
    "_s": "秒 s",
    "_ms": "毫秒 ms",
    "_days": "天 days",
    "_bytes": "字节 bytes",
    "_rows": "行 rows",
    "_rows_most": "行 rows",
    "_records": "条 records",
    "_port": "端口 port",
    "_dir": "路径 path",
    "_url": "URL",
}


class ServiceSettings(BaseSettings):
    """What every service reads; a service adds its own fields in a subclass.

    Each field has a description, Chinese first; its unit stands in its name.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid")

    store_url: str = Field(
        description="数据库地址 Database: sqlite:///绝对路径.db or postgresql+psycopg://…",
        pattern=r"^(sqlite:///|postgresql\+psycopg://)",
        repr=False,  # may carry a password
    )
    kafka_bootstrap: str = Field(
        description="Kafka 地址 Brokers to start from: host:port[,host:port]",
        pattern=r"^[A-Za-z0-9_.\-\[\]:]+:\d+(,[A-Za-z0-9_.\-\[\]:]+:\d+)*$",
    )
    kafka_partitions: int = Field(default=6, description="主题分区数 Partitions per topic; a divisor of 24")
    kafka_replication: int = Field(default=1, ge=1, le=9, description="主题副本数 Replicas per topic; 3 in production")
    kafka_username: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.\-]{0,64}$",
        description="Kafka 用户 User of this service at Kafka (SCRAM-SHA-512); empty speaks plain text without login",
    )
    kafka_password_file: Path | None = Field(
        default=None, description="Kafka 密码文件 File with the user's password, alone in it"
    )
    kafka_ca_file: Path | None = Field(
        default=None, description="Kafka 证书机构 PEM file of the brokers' authority; without it there is no TLS"
    )
    grpc_port: int = Field(ge=0, le=65535, description="gRPC 端口 Port of the gRPC services; 0 takes a free one")
    http_port: int = Field(
        ge=0, le=65535, description="HTTP 端口 Port of /healthz, /metrics and REST; 0 takes a free one"
    )
    ops_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="运维端口 Port of /healthz, /livez and /metrics alone; without it they are on the HTTP port",
    )
    grpc_reflection: bool = Field(
        default=True, description="gRPC 反射 Tell the calls that there are by reflection; off in production"
    )
    host: str = Field(default="127.0.0.1", description="监听地址 Address to listen on")
    worker: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$",
        description="工作进程名 Name of this process: the same after a restart, its own among the workers of a store; "
        "empty is host name and gRPC port",
    )
    keys_dir: Path = Field(
        description="密钥目录 Folder of the keys (0700); missing keys are made at first start (0600)"
    )
    credentials_file: Path | None = Field(
        default=None,
        description="凭证文件 JSON list of credentials (digests), read at start beside the store (docs/roles.md)",
    )
    openid_issuer: str = Field(
        default="",
        pattern=r"^[!-~]{0,255}$",
        description="身份提供方 Issuer of people's OpenID tokens, exactly as in `iss`; without it there is no provider "
        "(docs/roles.md)",
    )
    openid_audience: str = Field(
        default="", pattern=r"^[!-~]{0,255}$", description="令牌受众 Audience that such a token has to name in `aud`"
    )
    openid_jwks_url: str = Field(
        default="",
        validate_default=True,
        description="提供方公钥地址 Where the issuer's keys are (JWKS): https, or http on the loopback",
    )
    staff_calls_per_minute: int = Field(
        default=60_000,
        ge=1,
        description="每凭证每分钟调用上限（人员） Most calls a minute of a person's credential, in one process",
    )
    system_calls_per_minute: int = Field(
        default=120_000, ge=1, description="每凭证每分钟调用上限（系统） The same of an agency's or another system's"
    )
    guesses_per_minute: int = Field(
        default=60, ge=1, description="每地址每分钟无效凭证上限 Wrong credentials a minute of one address; then 429"
    )
    audit_days: int = Field(
        default=200,
        ge=AUDIT_DAYS_LEAST,
        description="审计保留天数 Entries of the audit are kept so long; at least six months (网络安全法 network logs)",
    )
    audit_rows_most: int = Field(
        default=50_000_000,
        ge=1,
        description="审计条目上限 Entries of the audit in one store; beyond it those older than six months are "
        "forgotten before their time, younger ones stay, and health says so (audit_too_large)",
    )
    clock: Literal["wall", "scenario"] = Field(
        default="wall", description="时钟 Clock of the deadlines: the machine's, or the scenario's that the demo moves"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="日志级别 Lowest level logged"
    )
    log_format: Literal["json", "pretty", "auto"] = Field(
        default="auto", description="日志格式 json, pretty, or auto: pretty on a terminal and json elsewhere"
    )
    outbox_limit_rows: int = Field(
        default=1_000_000,
        ge=1,
        description="待发上限 Unsent rows at which new records are refused (RESOURCE_EXHAUSTED)",
    )
    unsent_alarm_s: float = Field(
        default=10.0, gt=0, description="待发报警 Age of the oldest unsent record at which health says DEGRADED"
    )
    held_limit_rows: int = Field(
        default=100_000,
        ge=0,
        description="暂扣上限 Records of held sources kept in the store; more become dead letters (source_held)",
    )
    session_timeout_s: float = Field(
        default=6.0, ge=1.0, le=300.0, description="消费会话超时 Time after which a dead consumer's partitions move on"
    )
    answer_s: float = Field(
        default=15.0,
        ge=10.0,
        le=300.0,
        description="应答时限 Time after which a caller is told to ask again, over REST and gRPC; above every wait for "
        "the store (3 s for a lock, 8 s for a statement or a turn)",
    )
    grace_s: float = Field(
        default=20.0, gt=0, le=600, description="停机宽限 Time that a stopping process has to finish its work"
    )

    def worker_name(self) -> str:
        """Return the name that this process's leases have.

        Two workers with one name would take each other's leases and publish everything twice. A name that changes with
        a restart would wait for its own old leases to expire.
        """
        host = re.sub(r"[^a-z0-9-]", "-", socket.gethostname().lower())[:50]
        return self.worker or f"{host}-{self.grpc_port or secrets.token_hex(4)}"

    @field_validator("openid_jwks_url")
    @classmethod
    def _all_of_a_provider(cls, value: str, info: ValidationInfo) -> str:
        # Half a provider would be none, and nobody would notice. Keys over plain http could be anybody's.
        given = {bool(info.data.get(name, value)) for name in ("openid_issuer", "openid_audience")}
        if given != {bool(value)}:
            raise ValueError("openid_issuer, openid_audience and openid_jwks_url belong together: set all or none")
        if value and not _keeps_its_content(value):
            raise ValueError("must be https://…, or http://… on the loopback, and without a user")
        return value

    @field_validator("kafka_partitions")
    @classmethod
    def _divides_shards(cls, value: int) -> int:
        # Shard -> partition is `shard % partitions`; anything but a divisor would load partitions unevenly.
        if value < 1 or _SHARDS % value:
            raise ValueError("must divide 24")
        return value


S = TypeVar("S", bound=ServiceSettings)


def load(cls: type[S]) -> S:
    """Build the settings, or end the process.

    Every mistake is one line on stderr that names the variable, never its value; the exit code is then 2.
    """
    wrong = misspelt(cls, os.environ)
    if wrong:
        _refuse(wrong)
    try:
        return cls()
    except ValidationError as error:
        _refuse(_line(cls, item["loc"], item["type"], item["msg"]) for item in error.errors(include_input=False))


def misspelt(cls: type[ServiceSettings], environ: Mapping[str, str]) -> list[str]:
    """Return a line for each unknown `HUB_…` variable.

    pydantic-settings ignores those silently.
    """
    known = variables(cls)
    nested = tuple(f"{name}__" for name in known)
    lines = []
    for name in sorted(environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known or upper in LAUNCHER_NAMES or upper.startswith(nested):
            continue
        near = difflib.get_close_matches(upper, [*known, *LAUNCHER_NAMES], n=1, cutoff=0.0)
        lines.append(f"{name}: 没有这个设置，最接近的是 {near[0]} / unknown setting, nearest known name is {near[0]}")
    return lines


def variables(cls: type[ServiceSettings]) -> tuple[str, ...]:
    """Return the environment variables that `cls` reads.

    They are in the order of its fields.
    """
    return tuple(PREFIX + name.upper() for name in cls.model_fields)


def settings_table(cls: type[ServiceSettings]) -> str:
    """Return the Markdown table of the settings page.

    docs/configuration.md is generated from it.

    Raises:
        ValueError: A field has no description.
    """
    rows = ["| 变量 Variable | 类型 Type | 单位 Unit | 缺省 Default | 说明 Meaning |", "|---|---|---|---|---|"]
    for name, field in cls.model_fields.items():
        if not field.description:
            raise ValueError(f"setting {name} has no description")
        cells = (f"`{PREFIX}{name.upper()}`", _type(field.annotation), _unit(name), _default(field), field.description)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _line(cls: type[ServiceSettings], loc: tuple[int | str, ...], kind: str, message: str) -> str:
    name = PREFIX + "__".join(str(part) for part in loc).upper()
    if kind == "missing":
        field = cls.model_fields.get(str(loc[0])) if loc else None
        meaning = field.description if field is not None else ""
        return f"{name}: 必须设置 / must be set ({meaning})"
    return f"{name}: 值不合要求 / not acceptable: {message}"


def _refuse(lines: Iterable[str]) -> NoReturn:
    for line in lines:
        sys.stderr.write(f"设置错误 settings: {line}\n")
    raise SystemExit(EXIT_USAGE)


def _keeps_its_content(url: str) -> bool:
    """Tell whether nobody on the way can change what is fetched there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # a wrong port raises
    except ValueError:
        return False
    if not host or "@" in parts.netloc or not re.fullmatch("[!-~]+", url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def _unit(name: str) -> str:
    return next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "")


def _type(annotation: object) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " | ".join(f"`{value}`" for value in get_args(annotation))
    if origin in (UnionType, Union):
        return " | ".join("无 none" if item is type(None) else _type(item) for item in get_args(annotation))
    return str(getattr(annotation, "__name__", annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "必填 required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, SecretStr):
        return "●●●"
    return "" if value is None else f"`{value}`"
