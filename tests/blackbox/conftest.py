"""Fixtures of the black-box tests, the stubs that they import, and the report of how each ended.

`tests.blackbox.red` compares two checkouts by that report.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.blackbox import stubs
from tests.blackbox.hubs import BRIDGES, RunningHub, root_under_test

REPORT: Final = "BLACKBOX_REPORT"
"""File to which one JSON line is added for each test that ended."""

SETTINGS: Final = "docs/configuration.md"
"""Page of a checkout that lists every setting of its services."""

OwnHub = Callable[..., AbstractAsyncContextManager[RunningHub]]
DECLARED: Final = pytest.StashKey[frozenset[str]]()
LACKING: Final = pytest.StashKey[str]()


@pytest.fixture(params=BRIDGES)
def bridge(request: pytest.FixtureRequest) -> str:
    """Each of the three bridges."""
    return str(request.param)


@pytest.fixture(scope="session", params=("sqlite", "postgres"))
def store(request: pytest.FixtureRequest) -> str:
    """Both stores."""
    return str(request.param)


@pytest.fixture(scope="session")
def hub(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub for all tests that leave it as they found it."""
    running = RunningHub(tmp_path_factory.mktemp(f"hub-{store}"), store)
    try:
        running.open()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def clocked_hub(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """One hub with a scenario clock.

    Nothing in it is late until a test moves the clock, and the clock never goes back: tests that move it stand in one
    file, in the order of their days.
    """
    running = RunningHub(tmp_path_factory.mktemp(f"clocked-{store}"), store, clock="scenario")
    try:
        running.open()
        yield running
    finally:
        running.close()


@pytest.fixture
def own_hub(store: str, tmp_path: Path) -> OwnHub:
    """Start a hub for one test that breaks it."""

    @asynccontextmanager
    async def start(
        *, clock: str = "wall", env: Mapping[str, Mapping[str, str]] | None = None
    ) -> AsyncIterator[RunningHub]:
        running = RunningHub(tmp_path / "run", store, clock=clock, env=env)
        try:
            await asyncio.to_thread(running.open)
            yield running
        finally:
            await asyncio.to_thread(running.close)

    return start


def pytest_configure(config: pytest.Config) -> None:
    """Compile the protos under test before a test module is imported."""
    folder = Path(tempfile.mkdtemp(prefix="santiao-stubs-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    stubs.compile_into(folder, root_under_test() / "protos")
    config.stash[DECLARED] = stubs.declared_in(folder)
    sys.path.insert(0, str(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them need a broker."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kafka)
            item.add_marker(pytest.mark.timeout(300))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test whose input the tree under test does not know."""
    for mark in item.iter_markers("new_field"):
        name = str(mark.args[0])
        if not _is_known(name, item.config):
            item.stash[LACKING] = name
            pytest.skip(f"the tree under test has no {name}")


def _is_known(name: str, config: pytest.Config) -> bool:
    """Tell whether the tree has a field, a method or a setting."""
    if name.startswith("HUB_"):
        return f"`{name}`" in (root_under_test() / SETTINGS).read_text(encoding="utf-8")
    return name in config.stash[DECLARED]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write how a test ended, and whether what failed was its own assertion."""
    report = yield
    path = os.environ.get(REPORT)
    if path and (call.when == "call" or report.outcome != "passed"):
        asserted = call.excinfo is not None and call.excinfo.errisinstance((AssertionError, pytest.fail.Exception))
        points = [str(mark.args[0]) for mark in item.iter_markers("item")]
        line = {
            "test": item.nodeid,
            "item": points[0] if points else "",
            "outcome": "new_field" if LACKING in item.stash else report.outcome,
            "asserted": asserted and call.when == "call",
            "reason": item.stash.get(LACKING, "" if call.excinfo is None else call.excinfo.exconly()[:300]),
        }
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return report
