"""The table of fault kinds, and `mixed`, which draws two or three of them at once.

The short list has to fit ten minutes, so each kind runs on one store there: on PostgreSQL what two workers or the store
itself have a part in, on SQLite, with half the processes, everything else; and by one clock. The full list runs all on
both stores.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tests.faults import of_brokers, of_clocks, of_crashes, of_floods, of_inputs, of_processes, of_readers, of_stores
from tests.faults.load import Manner
from tests.faults.scene import POSTGRES, SQLITE, Kind, Scene
from tests.faults.script import SCENARIO, WALL

BRIEF_GONE_S: Final = 20.0
LONG_GONE_S: Final = 120.0
MIXED: Final = "mixed"


def _of(*parts: str) -> frozenset[str]:
    return frozenset(parts)


ALONE: Final = (
    Kind("kill-bridges", "kill -9 each bridge while it holds work", of_processes.kill_bridges, _of("bridges")),
    Kind("kill-intake", "kill -9 intake while it holds work", of_processes.kill_intake, _of("intake"), short=POSTGRES),
    Kind("kill-stats", "kill -9 stats while it holds work", of_processes.kill_stats, _of("stats")),
    Kind(
        "sigterm-rolling",
        "SIGTERM one process after the other",
        of_processes.terminate_rolling,
        _of("bridges", "intake", "stats"),
    ),
    Kind(
        "kill-at-rebalance",
        "kill -9 a reader within 200 ms after a rebalance began",
        of_processes.kill_at_rebalance,
        _of("intake", "stats"),
        short=POSTGRES,
    ),
    Kind(
        "zombie",
        "SIGSTOP a reader with a plan in its hands beyond its session time-out, then SIGCONT",
        of_processes.zombie,
        _of("intake", "stats"),
        short=POSTGRES,
    ),
    Kind(
        "pause",
        f"SIGSTOP {of_processes.PAUSED_S:.0f} s every process at random moments, {of_processes.PAUSES} times each",
        of_processes.pause,
        _of("bridges", "intake", "stats"),
        clocks=(WALL, SCENARIO),
    ),
    Kind(
        "wall-trial",
        f"every process paused {of_processes.PAUSED_S:.0f} s {of_processes.TRIAL_PAUSES} times and killed once",
        of_processes.trial,
        _of("bridges", "intake", "stats"),
        short=POSTGRES,
        clocks=(WALL,),
        mixes=False,
    ),
    Kind(
        "workers-flap",
        "second workers removed and added every 3 s",
        of_processes.flap,
        _of("intake", "stats"),
        stores=POSTGRES,
        short=POSTGRES,
    ),
    Kind(
        "clock-ahead",
        f"one service started with its clock {of_clocks.AHEAD.seconds // 60} minutes ahead, then with the right one",
        of_clocks.ahead,
        _of("bridges", "intake", "stats"),
        clocks=(WALL, SCENARIO),
        mixes=False,
    ),
    Kind("broker-killed", "kill -9 one broker, started again", of_brokers.kill_one, _of("brokers"), short=POSTGRES),
    Kind(
        "broker-gone",
        f"one broker gone for {BRIEF_GONE_S:.0f} s",
        of_brokers.one_gone(BRIEF_GONE_S),
        _of("brokers"),
    ),
    Kind(
        "broker-gone-long",
        f"one broker gone for {LONG_GONE_S:.0f} s",
        of_brokers.one_gone(LONG_GONE_S),
        _of("brokers"),
        short=(),
    ),
    Kind(
        "two-brokers-gone",
        f"two brokers gone for {of_brokers.BRIEF_S:.0f} s",
        of_brokers.two_gone(of_brokers.BRIEF_S),
        _of("brokers"),
    ),
    Kind(
        "two-brokers-gone-long",
        f"two brokers gone for {of_brokers.BEYOND_S:.0f} s, longer than the producers' delivery time-out",
        of_brokers.two_gone(of_brokers.BEYOND_S),
        _of("brokers"),
    ),
    Kind("leaders-moved", "leaders of all partitions moved", of_brokers.move_leaders, _of("brokers"), short=POSTGRES),
    Kind("link-slow", "150 to 900 ms on every link to the brokers", of_brokers.slow_link, _of("links")),
    Kind(
        "link-reset",
        "every connection to the brokers reset, again and again",
        of_brokers.reset_links,
        _of("links"),
    ),
    Kind("store-locked", "a store locked for 10 s", of_stores.lock, _of("stores"), short=POSTGRES),
    Kind(
        "table-locked",
        f"another session holds a table that callers need, and one that a reader needs, for "
        f"{of_stores.TABLE_LOCKED_S:.0f} s",
        of_stores.lock_tables,
        _of("stores"),
        short=POSTGRES,
        clocks=(WALL, SCENARIO),
    ),
    Kind(
        "store-read-only",
        f"every store read-only for {of_stores.READ_ONLY_S:.0f} s",
        of_stores.read_only,
        _of("stores"),
        short=POSTGRES,
        clocks=(WALL, SCENARIO),
    ),
    Kind("disk-full", "ENOSPC on every write of one process", of_stores.full, _of("stores")),
    Kind(
        "crash-before-relay",
        "a bridge and intake die between commit and relay",
        of_crashes.BEFORE_RELAY,
        _of("bridges", "intake"),
    ),
    Kind(
        "crash-before-mark",
        "a bridge and intake die between Kafka's confirmation and the mark",
        of_crashes.BEFORE_MARK,
        _of("bridges", "intake"),
        short=POSTGRES,
    ),
    Kind(
        "crash-before-answer",
        "a bridge and intake die between effect and answer",
        of_crashes.BEFORE_ANSWER,
        _of("bridges", "intake"),
        short=POSTGRES,
    ),
    Kind("record-dropped", "the consumer loses a record of each reader", of_readers.drop_one, _of("intake", "stats")),
    Kind(
        "tail-dropped", "the consumer loses the last records of a partition", of_readers.drop_tail, _of("stats", "tail")
    ),
    Kind(
        "slow-applier",
        "every transaction of a reader takes long",
        of_readers.slow_applier,
        _of("intake", "stats"),
    ),
    Kind(
        "input-duplicated",
        "everything told three times, batches written twice",
        of_inputs.duplicated,
        _of("input"),
        manner=Manner(duplicates=True, rate=20),
    ),
    Kind(
        "input-reordered",
        "calls and steps out of order, old batches again in reverse",
        of_inputs.reordered,
        _of("input"),
        manner=Manner(shuffled=True),
    ),
    Kind(
        "input-late",
        "records 90 days late and more",
        of_inputs.late,
        _of("input"),
        manner=Manner(late=True),
        short=POSTGRES,
        clocks=(SCENARIO,),
    ),
    Kind("input-poisoned", "a stranger's records between the batches", of_inputs.poisoned, _of("topics")),
    Kind(
        "flood-of-one-source",
        "every record of one agency dies, until the cause is cured and the source released",
        of_floods.of_one_source,
        _of("intake", "input"),
        manner=Manner(left_alone=frozenset({of_floods.CHANNEL})),
        clocks=(WALL, SCENARIO),
        mixes=False,
    ),
    Kind(
        "offsets-deleted",
        "a group's offsets deleted",
        of_readers.offsets("deleted"),
        _of("intake", "stats"),
        short=POSTGRES,
    ),
    Kind(
        "offsets-behind",
        "a group's offsets set to 0",
        of_readers.offsets("behind"),
        _of("intake", "stats"),
    ),
    Kind("offsets-ahead", "a group's offsets set to the end", of_readers.offsets("ahead"), _of("intake", "stats")),
    Kind("stats-rebuilt", "stats rebuilt from position 0 while live", of_readers.rebuild_stats, _of("stats")),
)


def drawn(dice: random.Random, store: str, clock: str) -> Sequence[Kind]:
    """Draw two or three kinds that don't take hold of the same part."""
    left = [kind for kind in ALONE if kind.mixes and kind.short and store in kind.stores and clock in kind.clocks]
    found: list[Kind] = []
    for _ in range(dice.choice((2, 3))):
        held = frozenset[str]().union(*(kind.touches for kind in found))
        able = [kind for kind in left if not kind.touches & held]
        if able:
            found.append(dice.choice(able))
    return found


def mixed(dice: random.Random, store: str, clock: str) -> Kind:
    """Return one kind that does what two or three drawn ones do, at the same time."""
    chosen = drawn(dice, store, clock)

    async def inject(scene: Scene) -> None:
        await asyncio.gather(*(kind.inject(scene) for kind in chosen))

    manner = Manner()
    for kind in chosen:
        if kind.manner != Manner():
            manner = kind.manner
    return Kind(
        MIXED,
        " + ".join(kind.name for kind in chosen),
        inject,
        frozenset[str]().union(*(kind.touches for kind in chosen)),
        manner=replace(manner),
    )


BY_NAME: Final[Mapping[str, Kind]] = {kind.name: kind for kind in ALONE}
NAMES: Final = (*BY_NAME, MIXED)


def chosen_for(store: str, clock: str, names: Sequence[str], *, full: bool, any_clock: bool) -> list[str]:
    """Return the names of the kinds to run on a store by a clock, in the table's order.

    Args:
        store: sqlite or postgres.
        clock: scenario or wall.
        names: Only these, whatever list they belong to; all when empty.
        full: Also what the short list leaves out.
        any_clock: Each by every clock that it can be played by, not by its first alone.

    Raises:
        KeyError: A name is none.
    """
    for name in names:
        if name not in NAMES:
            raise KeyError(name)
    found = [
        name
        for name, kind in BY_NAME.items()
        if store in kind.stores
        and (clock in kind.clocks if any_clock else clock == kind.clocks[0])
        and (name in names if names else full or store in kind.short)
    ]
    mixed_too = (any_clock or clock == SCENARIO) and (MIXED in names if names else full or store in SQLITE)
    return [*found, MIXED] if mixed_too else found
