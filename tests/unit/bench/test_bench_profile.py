"""Profiles: every sample belongs to the package at work, whoever called it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import page, profile

LOOP = ("serve (bridge/commands.py:84)", "BaseEventLoop._run_once (asyncio/base_events.py:1922)")


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ((*LOOP, "Handle._run (asyncio/events.py:80)", "submit (bridge/accepting/x.py:34)"), "bridge/accepting"),
        ((*LOOP, "Handle._run (asyncio/events.py:80)"), profile.LOOP),
        ((*LOOP, "EpollSelector.select (selectors.py:468)"), profile.LOOP),
        (("run (hub/streams/relay.py:165)", "wait (threading.py:331)"), "hub/streams"),
        (("a (services/intake/handlers/b.py:1)", "execute (sqlalchemy/engine/base.py:1)"), "sqlalchemy"),
        (("a (hub/errors.py:1)",), "hub/errors.py"),
        (("_bootstrap (threading.py:1)",), "threads at rest"),
        (("a (hub/x/y.py:1)", "_load (<frozen importlib._bootstrap>:1)", "f (pydantic/main.py:1)"), None),
    ],
)
def test_a_sample_belongs_to_the_innermost_package(stack: tuple[str, ...], part: str | None) -> None:
    assert profile.part_of(stack) == part


def test_shares_are_of_what_was_counted_largest_first() -> None:
    lines = [
        "thread (1): relay;run (hub/streams/relay.py:1) 1",
        "thread (2): main;f (pydantic/main.py:1) 3",
        "thread (2): main;f (<frozen importlib._bootstrap>:1) 9",
    ]
    assert profile.shares_of(lines) == {"samples": 4, "parts": {"pydantic": 0.75, "hub/streams": 0.25}}
    assert list(profile.shares_of(lines)["parts"]) == ["pydantic", "hub/streams"]


def test_nothing_sampled_is_no_share_of_anything() -> None:
    assert profile.shares_of([]) == {"samples": 0, "parts": {}}


def test_the_page_has_a_place_for_every_view(tmp_path: Path) -> None:
    assert {view for views in page.PROFILES.values() for view in views} == set(profile.VIEWS)
    assert page.load(tmp_path) == {}
