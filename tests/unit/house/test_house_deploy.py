"""Deployment files are checked as far as text goes: they parse, their paths exist, their settings are known."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.runtime.settings import ServiceSettings, variables
from tests.support.tree import ROOT, anchors_of

SERVICES = ("court_bridge", "police_bridge", "petition_bridge", "intake", "stats")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def settings_of(service: str) -> list[type[ServiceSettings]]:
    module = importlib.import_module(
        "bridge.settings" if service.endswith("_bridge") else f"services.{service}.settings"
    )
    return [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, ServiceSettings)]


def known(service: str) -> set[str]:
    return {name for cls in settings_of(service) for name in variables(cls)}


def needed(service: str) -> set[str]:
    return {
        f"HUB_{name.upper()}"
        for cls in settings_of(service)
        for name, field in cls.model_fields.items()
        if field.is_required()
    }


def env_file(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("service", SERVICES)
def test_compose_sets_what_the_service_reads(service: str) -> None:
    names = {name for name in COMPOSE["services"][service]["environment"] if name.startswith("HUB_")}
    assert names - known(service) == set()
    assert needed(service) - names == set()


@pytest.mark.parametrize("service", SERVICES)
def test_the_example_environment_is_complete(service: str) -> None:
    names = set(env_file(ROOT / "deploy" / "env" / f"{service}.env"))
    assert names - known(service) == set()
    assert needed(service) - names == set()


def test_every_path_of_compose_exists() -> None:
    volumes = [v for s in COMPOSE["services"].values() for v in s.get("volumes", []) if v.startswith(".")]
    builds = {s["build"]["dockerfile"] for s in COMPOSE["services"].values() if "build" in s}
    paths = [v.split(":")[0] for v in volumes] + sorted(builds)
    assert len(paths) >= 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_service_of_compose_is_a_module_of_ours() -> None:
    commands = {name: s["command"] for name, s in COMPOSE["services"].items() if name in SERVICES}
    assert commands == {name: [f"services.{name}"] for name in SERVICES}
    assert all((ROOT / "services" / name / "__main__.py").is_file() for name in SERVICES)


def test_compose_publishes_on_the_loopback_only() -> None:
    ports = [str(port) for s in COMPOSE["services"].values() for port in s.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_stands_in_a_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert re.findall(r"(?i)(?:password|secret|key): *(?!\$\{)[\"']?\w+", text) == []


def test_the_image_copies_what_exists() -> None:
    dockerfile = (ROOT / "deploy" / "images" / "Dockerfile").read_text(encoding="utf-8")
    sources = [
        name for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]
    ]
    assert len(sources) > 5
    assert [name for name in sources if not (ROOT / name).exists()] == []
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {name.split("/")[0] for name in sources} <= {line[1:] for line in ignored if line.startswith("!")}
    set_names = set(re.findall(r"\bHUB_[A-Z_]+(?==)", dockerfile))
    assert set_names - set(variables(ServiceSettings)) == set()


def test_the_broker_of_every_kind_is_the_same_release() -> None:
    pom = (ROOT / "deploy" / "kafka" / "pom.xml").read_text(encoding="utf-8")
    release = re.search(r"kafka_2\.13</artifactId>\s*<version>([^<]+)<", pom)
    assert release is not None
    assert COMPOSE["services"]["kafka"]["image"] == f"apache/kafka:{release.group(1)}"


def rules(name: str) -> list[dict[str, Any]]:
    text = (ROOT / "deploy" / "prometheus" / name).read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_recorded_names_are_level_metric_operations() -> None:
    assert [
        r["record"] for r in rules("rules.yml") if not re.fullmatch(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", r["record"])
    ] == []


@pytest.mark.parametrize("alert", rules("alerts.yml"), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_in_two_languages_and_where_the_repair_is(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", alert["alert"])
    assert re.search(r"[\u4e00-\u9fff].* / ", alert["annotations"]["summary"])
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor in anchors_of(ROOT / page)


def test_every_alert_has_a_case_that_fires() -> None:
    cases = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    firing = {case["alertname"] for test in cases for case in test.get("alert_rule_test", []) if case["exp_alerts"]}
    assert firing == {rule["alert"] for rule in rules("alerts.yml")}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_the_rules_do_what_their_cases_say() -> None:
    folder = ROOT / "deploy" / "prometheus"
    subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=folder, check=True)
    subprocess.run(["promtool", "test", "rules", "alerts_test.yml"], cwd=folder, check=True)
