"""Loads the fixtures of tests/support, sets Hypothesis' profiles, and counts the tests on a real Kafka."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
SUPPORT = TESTS / "support"
LONGEST_FIRST = ("blackbox", "system", "faults", "service", "contract", "unit")
pytest_plugins = [f"tests.support.{path.stem}" for path in sorted(SUPPORT.glob("*.py")) if path.stem != "__init__"]

settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile(
    "ci", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("dev"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


def kafka_required() -> bool:
    """A missing broker is a skip at home and a failure in CI."""
    return bool(os.environ.get("CI")) or os.environ.get("HUB_REQUIRE_KAFKA") == "1"


class KafkaCount:
    """Counts tests marked `kafka` by how they ended."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "kafka" not in report.keywords:
            return
        if report.skipped:
            self.ended["skipped"] += 1
        elif report.failed:
            self.ended["failed"] += 1
        elif report.when == "call":
            self.ended["passed"] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.ended["skipped"] and kafka_required():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        ended = self.ended
        terminalreporter.write_line(
            f"real-Kafka tests: {ended['passed']} passed, {ended['failed']} failed, {ended['skipped']} skipped"
        )
        if ended["skipped"] and kafka_required():
            terminalreporter.write_line(
                "a real Kafka is required here (CI or HUB_REQUIRE_KAFKA=1): skipped counts as failed"
            )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tiers whose tests take longest, so that workers end together; all of `blackbox` is long."""
    for item in items:
        if item.path.is_relative_to(TESTS / "blackbox"):
            item.add_marker("long")
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.relative_to(TESTS).parts[0]))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(KafkaCount(), "kafka-count")
