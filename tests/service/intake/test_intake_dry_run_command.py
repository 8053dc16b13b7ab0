"""`hub rules dry-run` on the store of an intake: its table, its JSON, its exit codes, and what it can't reproduce."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.runtime.clock import FixedClock
from services.intake import wiring
from services.intake.cases.tables import dispute
from tests.dry_run.dry_run_proof import changed_rules, tried
from tests.dry_run.dry_run_traffic import BEGIN, Traffic, play, play_by_wall
from tests.support.county_rules import write
from tests.support.intake_rig import Rig
from tests.support.tree import ROOT

DISPUTES = 21


@pytest.fixture
async def played(tmp_path: Path) -> AsyncIterator[Rig]:
    """The stopped rig of an intake that had some traffic."""
    async with AsyncExitStack() as stack:
        rig = Rig(f"sqlite:///{tmp_path / 'intake.db'}", tmp_path / "keys", stack)
        client = await rig.start()
        await play(rig, client, Traffic(rig, DISPUTES), timedelta(days=3))
        await client.stop()
        yield rig


def hub(rig: Rig, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hub rules dry-run` beside the store, as an operator does where intake's settings are."""
    settings = {
        "HUB_STORE_URL": rig.store_url,
        "HUB_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "HUB_KEYS_DIR": str(rig.keys_dir),
        "HUB_GRPC_PORT": "0",
        "HUB_HTTP_PORT": "0",
    }
    ours = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
    return subprocess.run(
        [sys.executable, "-m", "ops", "rules", "dry-run", *arguments],
        cwd=ROOT,
        env=ours | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_people_get_a_table_and_machines_a_document(played: Rig, tmp_path: Path) -> None:
    rules, window = str(changed_rules(tmp_path / "rules")), ("--from", "2024-03-01", "--to", "2024-04-15")
    told = hub(played, rules, *window, "--json")
    found = json.loads(told.stdout)
    assert (told.returncode, found["totals"]["not_reproduced"]) == (0, 0), told.stderr
    assert (found["totals"]["disputes"], found["after"]) == (DISPUTES, "rules-2026.2+test-2")
    assert found["totals"]["changed"] == len(found["differing"]) > 0
    assert found["causes"].keys() <= {"screening.exclusions.claims", "deadlines.terms.court_pre_filing"}
    shown = hub(played, rules, *window)
    assert shown.returncode == 0
    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert any("现行 in force: rules-2026.2" in line for line in lines)
    assert any("petition" in line and "→" in line for line in lines), "a rate that moves"
    assert any("not_mediable" in line for line in lines)


async def test_the_window_bounds_the_days_of_registration(played: Rig, tmp_path: Path) -> None:
    rules = str(changed_rules(tmp_path / "rules"))
    none = json.loads(hub(played, rules, "--from", "2024-01-01", "--to", "2024-03-01", "--json").stdout)
    assert (none["totals"]["disputes"], none["rates"], none["differing"]) == (0, [], [])


async def test_errors_of_the_folder_are_those_of_check(played: Rig, tmp_path: Path) -> None:
    faulty = write(tmp_path / "faulty", screening="exclusions: [3]")
    done = hub(played, str(faulty), "--from", "2024-03-01", "--to", "2024-04-15")
    assert done.returncode == 1
    assert f"{faulty / 'screening.yaml'}:1: exclusions[1]: 应为一组字段" in done.stderr
    assert hub(played, str(faulty), "--from", "March", "--to", "2024-04-15").returncode == 2


async def test_traffic_on_the_wall_clock_is_reproduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'intake.db'}"
        rig = Rig(url, tmp_path / "keys", stack, clock=FixedClock(BEGIN), clock_kind="wall")
        client = await rig.start()
        await play_by_wall(rig, client, Traffic(rig, 2 * DISPUTES), timedelta(hours=6))
        await client.stop()
        monkeypatch.setattr(wiring, "WallClock", lambda: rig.clock)
        found = tried(rig.settings(), changed_rules(tmp_path / "rules"))
    assert found.not_reproduced == []
    assert found.totals.disputes == 2 * DISPUTES
    assert found.totals.changed > 0


async def test_what_can_not_be_reproduced_is_named(played: Rig, tmp_path: Path) -> None:
    rules = changed_rules(tmp_path / "rules")
    clean = tried(played.settings(), rules)
    assert clean.not_reproduced == []
    engine = sa.create_engine(played.store_url)
    with engine.begin() as tx:
        lost, wrong = sorted(tx.scalars(sa.select(dispute.c.dispute_id).where(dispute.c.channel == "court")))[:2]
        tx.execute(sa.update(dispute).where(dispute.c.dispute_id == lost).values(facts=b""))
        text = tx.scalar(sa.select(dispute.c.snapshot).where(dispute.c.dispute_id == wrong)) or b""
        changed = text.replace(b'"procedure":"', b'"procedure":"x')
        assert changed != text
        tx.execute(sa.update(dispute).where(dispute.c.dispute_id == wrong).values(snapshot=changed))
    engine.dispose()
    found = tried(played.settings(), rules)
    assert {each.dispute_id: each.field for each in found.not_reproduced} == {lost: "facts", wrong: "procedure"}
    assert found.totals.not_reproduced == 2
    assert not {lost, wrong} & {each.dispute_id for each in found.differing}
