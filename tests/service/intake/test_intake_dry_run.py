"""A dry run of changed rules says what really running them does, and touches nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from tests.dry_run.dry_run_proof import changed_rules, compared, half_changed, holds, played
from tests.dry_run.dry_run_traffic import Traffic
from tests.support.intake_rig import Rig

DISPUTES = 260
FEWER = 120
"""On PostgreSQL: what a dry run decides does not depend on the store that it reads."""
BOTH = {"screening.exclusions.claims", "deadlines.terms.court_pre_filing"}


@pytest.fixture
def second_url(store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'second.db'}"
    return str(request.getfixturevalue("postgres_database"))


async def test_a_dry_run_says_what_really_running_the_same_inputs_does(
    store_url: str, second_url: str, tmp_path: Path
) -> None:
    rules = changed_rules(tmp_path / "rules")
    count = DISPUTES if store_url.startswith("sqlite") else FEWER
    async with AsyncExitStack() as stack:
        first, second = (Rig(url, tmp_path / "keys", stack) for url in (store_url, second_url))
        second.rules_dir = rules
        for rig in (first, second):
            await played(rig, count, timedelta(days=1))
    found = compared(first.settings(), first.bus, second.store_url, rules)
    assert holds(found), found
    assert (found["only_dry"], found["only_real"], found["other_values"]) == (0, 0, 0)
    assert found["disputes"] == len(Traffic(first, count).disputes)
    assert found["changed"] > 0
    assert found["causes"].keys() == BOTH
    # The comparison sees: other rules than the second intake had do not agree with it.
    other = compared(first.settings(), first.bus, second.store_url, half_changed(tmp_path / "other"))
    assert not holds(other)
    assert other["only_real"] > 0
