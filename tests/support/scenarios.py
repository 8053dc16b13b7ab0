"""A scenario text that tests bend, the files of the repository, and whether a demo could have a broker here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.errors import Rejected
from ops.play.scenarios.load import load, parse
from ops.play.scenarios.model import Scenario
from ops.run.broker import choose

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"

TINY = """\
name: tiny
title: {zh: 极小, en: Tiny}
seed: 3
county: "620725"
window: {start: 2024-01-01, end: 2024-04-01}
towns:
  - {code: "620725101", name: 清泉镇}
channels:
  court:
    agency: court-620725
    received: {2024-01: 6, 2024-02: 4}
    outcomes: {settled: {agreement: 4}, failed: {deadlock: 1}, expired: 1, open: 1}
    not_accepted: {refused: 2, excluded: {special: 1}}
  police:
    agency: police-620725
    received: {2024-02: 3}
    outcomes: {settled: {agreement: 2}}
    not_accepted: {excluded: {gang_fight: 1}}
  petition:
    agency: petition-620725
    received: {}
records:
  - {channel: court, received_on: 2024-01-10, fate: settled}
"""


def tiny(text: str = TINY) -> Scenario:
    return parse(text, "tiny.yaml")


@pytest.fixture(scope="session")
def shandan() -> Scenario:
    return load(FOLDER / "shandan-2024.yaml")


@pytest.fixture(scope="session")
def small() -> Scenario:
    return load(FOLDER / "small.yaml")


@pytest.fixture(scope="session")
def kafka_choice() -> str:
    """A demo starts its own broker; without one to choose its tests are skipped, in CI they fail."""
    try:
        return choose(os.environ).why
    except Rejected as error:
        if os.environ.get("CI") or os.environ.get("HUB_REQUIRE_KAFKA") == "1":
            pytest.fail(error.detail)
        pytest.skip(error.detail)
