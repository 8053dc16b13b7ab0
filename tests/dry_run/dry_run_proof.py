"""Compares a dry run with really running the same inputs under the changed rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from dispute.contracts.codec import event_from_wire
from dispute.contracts.topics import JOURNAL
from dispute.wire.journal.v1 import journal_pb2
from hub.store.snapshots import snapshot
from hub.store.tables import outbox, stream_head
from hub.streams.memory import MemoryBus
from services.intake.cases.tables import command_done, dispute, scenario_clock
from services.intake.dry_run.comparison import Comparison
from services.intake.dry_run.outcome import CaseOutcome, differences, outcome_of
from services.intake.dry_run.recording import Window
from services.intake.settings import IntakeSettings
from services.intake.wiring import try_rules
from tests.dry_run.dry_run_traffic import Traffic, play
from tests.support.county_rules import write
from tests.support.intake_rig import Rig
from tests.year.one_hub import one_hub
from tests.year.plan import Plan
from tests.year.playing import play as play_year
from tests.year.running import TAIL_DAYS, Progress

ALWAYS: Final = Window(date(2000, 1, 1), date(2100, 1, 1))
EXCLUSION: Final = """exclusions:
  - id: claims
    zh: 求决类信访不调解
    en: petitions that ask for something
    reason_code: handled_above
    channels: [petition]
    fact: purpose
    values: [request]
    clause: "a test"
"""
LIMIT: Final = """terms:
  - id: court_pre_filing
    zh: 诉前委派调解 20 日
    en: 20 days for assigned mediation
    kind: mediation
    channel: court
    regime: A
    days: 20
    count: calendar
    clause: "a test"
"""
SHOWN: Final = 5
TABLES: Final = (outbox, stream_head, dispute, command_done, scenario_clock)


def changed_rules(folder: Path) -> Path:
    """Write rules with one exclusion more and one limit changed."""
    return write(folder, "test-2", screening=EXCLUSION, deadlines=LIMIT)


def half_changed(folder: Path) -> Path:
    """Write rules with the exclusion alone."""
    return write(folder, "test-3", screening=EXCLUSION)


async def played(rig: Rig, count: int, step: timedelta) -> int:
    """Play the traffic of `count` disputes to a rig; returns how many inputs were refused."""
    async with AsyncExitStack() as stack:
        rig.stack = stack
        client = await rig.start()
        refused = await play(rig, client, Traffic(rig, count), step)
        await client.stop()
    return refused


async def year_played(
    plan: Plan, folder: Path, rules: Path | None, progress: Progress
) -> tuple[IntakeSettings, MemoryBus]:
    """Play a county's year to a whole hub; returns its intake's settings and its bus.

    Args:
        plan: The year.
        folder: It exists; for its stores and keys.
        rules: The county's; the package's alone when None.
        progress: Gets the inputs given, and all of them.
    """
    async with one_hub(folder, rules_dir=rules) as hub:
        await play_year(hub.doors, plan, TAIL_DAYS, heard=hub.heard, progress=progress)
        return hub.settings, hub.bus


def compared(first: IntakeSettings, bus: MemoryBus, second_url: str, rules: Path) -> dict[str, Any]:
    """Return how a dry run on the first store differs from the second, which had changed rules for real.

    Args:
        first: Of the intake that was played the inputs under the rules in force.
        bus: That it wrote to.
        second_url: Store of the intake that was played them under changed ones.
        rules: Folder that is tried on the first.

    Returns:
        Counts: `other_values` are disputes of which both tell a change, but not the same; `after_refused` are those of
        them with a command that the first intake had refused. Such a command's content is not kept, so that a dry run
        can't tell whether the changed rules would let it pass.
    """
    before, ends = contents(first.store_url), bus.ends(JOURNAL.name)
    answer, cpu_s = timed(lambda: tried(first, rules))
    same_store, same_topic = contents(first.store_url) == before, bus.ends(JOURNAL.name) == ends
    real = _differing(outcomes(first.store_url), outcomes(second_url))
    dry = {each.dispute_id: dict(each.what) for each in answer.differing}
    both = dry.keys() & real.keys()
    otherwise, refused = {name for name in both if dry[name] != real[name]}, _refused(first.store_url)
    return {
        "disputes": answer.totals.disputes,
        "events": answer.totals.events,
        "only_dry": len(dry.keys() - real.keys()),
        "only_real": len(real.keys() - dry.keys()),
        "other_values": len(otherwise - refused),
        "after_refused": len(otherwise & refused),
        "shown": {name: (dry.get(name), real.get(name)) for name in _first(dry, real)},
        "changed": len(both),
        "not_reproduced": answer.totals.not_reproduced,
        "store_unchanged": same_store,
        "topic_unchanged": same_topic,
        "causes": dict(answer.causes),
        "seconds": answer.totals.seconds,
        "events_per_s": answer.totals.events_per_s,
        "events_per_cpu_s": round(answer.totals.events / cpu_s, 1),
    }


def holds(found: dict[str, Any]) -> bool:
    """Tell whether a proof holds."""
    none = ("only_dry", "only_real", "other_values", "not_reproduced")
    agrees = found["changed"] > 0 and not any(found[name] for name in none)
    return agrees and found["store_unchanged"] and found["topic_unchanged"]


def tried(settings: IntakeSettings, rules: Path) -> Comparison:
    """Return the dry run of a folder on an intake's store."""
    found = try_rules(settings, rules, ALWAYS, lambda _, __: None)
    assert isinstance(found, Comparison), found
    return found


def timed(work: Callable[[], Comparison]) -> tuple[Comparison, float]:
    """Return an answer and the processor time that it took."""
    started = time.process_time()
    return work(), time.process_time() - started


def contents(url: str) -> object:
    """Return what a store holds: the bytes of a file, the rows of a server."""
    parsed = sa.make_url(url)
    if parsed.database and parsed.get_backend_name() == "sqlite":
        return Path(parsed.database).read_bytes()
    with snapshot(url) as tx:
        return [sorted(map(repr, tx.execute(sa.select(table)))) for table in TABLES]


def outcomes(url: str) -> dict[str, CaseOutcome]:
    """Return what came of each dispute, by its own journal records."""
    events: dict[str, list[Any]] = {}
    with snapshot(url) as tx:
        for row in tx.execute(sa.select(outbox.c.key, outbox.c.record).order_by(outbox.c.key, outbox.c.position)):
            event = event_from_wire(journal_pb2.JournalEvent.FromString(row.record))
            events.setdefault(row.key, []).append(event)
    return {name: outcome_of(its) for name, its in events.items()}


def _refused(url: str) -> set[str]:
    """Return the disputes with a command that was refused."""
    with snapshot(url) as tx:
        return set(tx.scalars(sa.select(command_done.c.dispute_id).where(command_done.c.refusal.is_not(None))))


def _first(dry: dict[str, Any], real: dict[str, Any]) -> list[str]:
    """Return some disputes of which the two tell otherwise, those of one alone first."""
    otherwise = (name for name in dry.keys() | real.keys() if dry.get(name) != real.get(name))
    return sorted(otherwise, key=lambda name: (name in dry and name in real, name))[:SHOWN]


def _differing(one: dict[str, CaseOutcome], other: dict[str, CaseOutcome]) -> dict[str, dict[str, tuple[str, str]]]:
    assert one.keys() == other.keys()
    found = {name: differences(one[name], other[name]) for name in one}
    return {name: what for name, what in found.items() if what}
