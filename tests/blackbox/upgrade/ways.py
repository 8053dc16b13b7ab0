"""Two ways of an upgrade: all services at once, and one after the other."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.blackbox.hubs import BRIDGES, SERVICES
from tests.blackbox.upgrade.asking import Told, at_rest, disputes_of, figures_of, register_of, unsent
from tests.blackbox.upgrade.compare import changes
from tests.blackbox.upgrade.filling import AGREE, ARRIVAL, LATE_WORK, Filled, carry_out, fill, hand, record
from tests.blackbox.upgrade.going_on import (
    acknowledged,
    balanced,
    counted,
    everything,
    expect,
    figures_moved,
    redriven,
    repeats,
    status_of,
    taken,
    told_by_bridges,
    told_of,
    work_on,
)
from tests.blackbox.upgrade.hub import UpgradedHub
from tests.blackbox.upgrade.load import load

BRIDGE_SERVICES: Final = tuple(f"{bridge}_bridge" for bridge in BRIDGES)
DOCUMENTED: Final = (("stats",), BRIDGE_SERVICES, ("intake",))
"""The order that the runbook names."""
BRIDGES_FIRST: Final = (BRIDGE_SERVICES, ("intake",), ("stats",))


class Found:
    """What one upgrade showed.

    Attributes:
        before: What the old build told.
        differences: Whatever is wrong.
        results_after: Results that the new build tells at first.
        unsent: Records that lay in the outboxes when the old build was stopped.
        meanwhile: Records accepted while services were renewed.
    """

    def __init__(self) -> None:
        self.before: Told = {}
        self.differences: list[str] = []
        self.results_after = 0
        self.unsent = 0
        self.meanwhile = 0

    def as_json(self) -> dict[str, Any]:
        """Return the figures and the differences."""
        size = {name: sum(map(len, self.before.get(name, {}).values())) for name in ("receipts", "results")}
        return {
            "receipts": size["receipts"],
            "results_before": size["results"],
            "results_after": self.results_after,
            "disputes": len(self.before.get("disputes", {})),
            "unsent": self.unsent,
            "meanwhile": self.meanwhile,
            "differences": self.differences,
        }


async def filled_hub(hub: UpgradedHub, found: Found) -> tuple[Filled, Mapping[str, int]]:
    """Start the old build, fill it, write down what it tells; returns also what remains of the court's results."""
    await asyncio.to_thread(hub.open)
    filled = await fill(hub)
    found.before = await everything(hub, filled)
    looked_up = sum(map(len, found.before["receipts"].values()))
    wrong = [*await balanced(hub), *expect("receipts found", looked_up, len(filled.refs(hub)))]
    found.differences += [f"before the upgrade: {change}" for change in wrong]
    cursors = sorted(map(int, found.before["results"]["court"]))
    cursor = cursors[len(cursors) // 2]
    return filled, {"cursor": cursor, "remaining": await acknowledged(hub, cursor)}


async def at_once(hub: UpgradedHub, found: Found) -> None:
    """Everything is stopped, broker and stores too, with records unsent; then this build starts on what is there."""
    filled, confirmed = await filled_hub(hub, found)
    before = found.before
    await asyncio.to_thread(hub.stop_broker)
    waiting = {bridge: await hand(hub, filled, f"unsent {bridge}", bridge, record(hub, bridge)) for bridge in BRIDGES}
    async with register_of(hub) as register:
        await carry_out(register, filled.disputes["to agree unsent"], (AGREE,), LATE_WORK)
        await register.window("W-unsent", ARRIVAL)
    before["disputes"] = await disputes_of(hub)
    found.unsent = await unsent(hub, (*BRIDGE_SERVICES, "intake"))
    for name in SERVICES:
        await asyncio.to_thread(hub.end, name)
    await asyncio.to_thread(hub.renew_bus)

    await asyncio.to_thread(hub.start, "stats")
    found.differences += changes(before["figures"], await figures_of(hub), "figures")
    await asyncio.to_thread(hub.rebuild_stats)
    rebuilt = await figures_of(hub, at_least=before["figures"]["positions"])
    found.differences += changes(before["figures"], rebuilt, "rebuilt figures")
    await asyncio.to_thread(hub.start, "intake")
    found.differences += changes(before["disputes"], await disputes_of(hub), "disputes")
    for name in BRIDGE_SERVICES:
        await asyncio.to_thread(hub.start, name)
    for bridge, dispute_id in waiting.items():
        found.differences += await status_of(hub, bridge, dispute_id, "accepted")
    found.differences += await status_of(hub, "court", filled.disputes["to agree unsent"], "agreed")
    await goes_on(hub, filled, confirmed, found)


async def goes_on(hub: UpgradedHub, filled: Filled, confirmed: Mapping[str, int], found: Found) -> None:
    """Look at the new build's answers, and have it work."""
    await at_rest(hub)
    told = await told_by_bridges(hub, filled)
    found.differences += changes({name: found.before[name] for name in told}, told)
    found.results_after = sum(map(len, told["results"].values()))
    come = len(told["results"]["court"]) - len(found.before["results"]["court"])
    remaining = await acknowledged(hub, confirmed["cursor"])
    found.differences += expect("results to be acknowledged", remaining, confirmed["remaining"] + come)
    for step in (repeats, work_on, redriven):
        found.differences += await step(hub, filled)
    await at_rest(hub)
    found.differences += await counted(hub)
    found.differences += await balanced(hub)
    found.differences += expect("services that ended by themselves", hub.ended(), [])


async def rolling(hub: UpgradedHub, found: Found, order: Sequence[Sequence[str]], *, busy: bool) -> None:
    """The services are renewed step by step while broker, stores and the others run, with or without new records."""
    filled, confirmed = await filled_hub(hub, found)
    for names in order:
        what = f"{' and '.join(names)} renewed"
        before = await everything(hub, filled)
        async with load(hub, busy=busy) as taken_meanwhile:
            await hub.renew(names)
        await at_rest(hub)
        after = await everything(hub, filled)
        found.differences += told_of(taken_meanwhile, after["results"])
        if busy:
            figures = before.pop("figures"), after["figures"]
            moved = {bridge: (len(ids), len(ids)) for bridge, ids in taken_meanwhile.items()}
            found.differences += figures_moved(*figures, "diversion", moved)
            found.meanwhile += sum(map(len, taken_meanwhile.values()))
        found.differences += changes(before, after, what)
        found.differences += [f"{what}: {change}" for change in (*await taken(hub), *await balanced(hub))]
    await goes_on(hub, filled, confirmed, found)


Way = Callable[[UpgradedHub, Found], Awaitable[None]]
WAYS: Final[Mapping[str, Way]] = {
    "at_once": at_once,
    "rolling": lambda hub, found: rolling(hub, found, BRIDGES_FIRST, busy=True),
    "rolling_documented": lambda hub, found: rolling(hub, found, DOCUMENTED, busy=False),
}


def run(way: str, store: str, old: Path) -> dict[str, Any]:
    """Carry one upgrade out; the folder stays when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"santiao-upgrade-{store}-"))
    hub, found = UpgradedHub(folder / "run", store, old), Found()
    began = time.monotonic()
    try:
        asyncio.run(WAYS[way](hub, found))  # type: ignore[arg-type] # every way is a coroutine function
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it was is told as a difference
        traceback.print_exc(file=sys.stderr)
        found.differences.append(f"{type(error).__name__}: {error}")
    finally:
        hub.close()
    if found.differences:
        sys.stderr.write(f"{way} on {store}: kept {folder}\n")
    else:
        shutil.rmtree(folder)
    return found.as_json() | {"longest_wait_s": round(hub.longest_s, 1), "seconds": round(time.monotonic() - began)}


def main(arguments: Sequence[str]) -> int:
    """Carry one upgrade out and print what it showed."""
    options = argparse.ArgumentParser(prog="python -m tests.blackbox.upgrade.ways", description=__doc__)
    options.add_argument("--way", required=True, choices=WAYS)
    options.add_argument("--store", required=True, choices=("sqlite", "postgres"))
    options.add_argument("--old", required=True, type=Path)
    told = options.parse_args(arguments)
    sys.stdout.write(json.dumps(run(told.way, told.store, told.old), ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
