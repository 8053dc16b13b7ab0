"""Compares the CPU of a call with that of an old commit: the same calls to both, in turns of half a second.

A broker and three services of each tree run side by side, so that whatever else the machine does befalls both alike:
runs one after the other differed by a fifth with the same code. What a call costs is the CPU time of its service from
/proc over the calls; the ratio is the median of the turns' own ratios, because what disturbs a turn disturbs both of
its halves. Trees from before credentials ignore those that are shown.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from statistics import quantiles
from typing import Any, Final
from uuid import uuid4

from bench import rig
from bench.checkout import checkout
from bench.lands import land
from bench.machine import ROOT, facts
from bench.measure import spread
from bench.options import Screen, command, common
from bench.processes import usage_of
from bench.results import finish, save
from bench.submissions import Press
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.access.credential import digest_of
from hub.grpc.client import bearer, channel, key_metadata
from ops.play.scenarios.vocabulary import Docking
from ops.run.broker.ports import free_ports
from ops.run.children import Child
from ops.run.credentials import FOLDER, PEOPLE, make

TURNS: Final = 60
QUICK_TURNS: Final = 4
BOUND: Final = 1.05
WARM: Final = 600
DISPUTES: Final = 500
"""That commands go to in turn."""
SECONDS: Final = 0.5
AT_ONCE: Final = 4
CALL_S: Final = 20.0
COUNTY: Final = "620725"
(RECORDS_OF,) = land("county").counties
AGENCY: Final = f"court-{RECORDS_OF}"
SERVICES: Final = ("court_bridge", "intake", "stats")

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Kind:
    """One kind of call.

    Attributes:
        service: That serves it.
        call: Makes the next one.
    """

    service: str
    call: Call


@asynccontextmanager
async def services_of(tree: Path, folder: Path, screen: Screen) -> AsyncIterator[tuple[dict[str, Child], Any]]:
    """Run a broker and three services of a tree; yields them by name, and the credentials."""
    made = make(folder / FOLDER, [(AGENCY, RECORDS_OF)], PEOPLE)
    knows_roles = (tree / "hub" / "access").is_dir()
    old = folder / "old.json"
    key = {"agency": AGENCY, "county": RECORDS_OF, "key_sha256": digest_of(made.keys[AGENCY])}
    old.write_text(json.dumps([key]), encoding="utf-8")
    async with AsyncExitStack() as stack:
        kafka = stack.enter_context(rig.broker(folder, screen.say))
        children = {}
        for name in SERVICES:
            grpc_port, http_port = free_ports(2)
            environment = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")} | {
                "PYTHONPATH": str(tree),
                "HUB_STORE_URL": f"sqlite:///{folder / name}.db",
                "HUB_KAFKA_BOOTSTRAP": kafka.bootstrap,
                "HUB_KEYS_DIR": str(folder / "keys"),
                "HUB_GRPC_PORT": str(grpc_port),
                "HUB_HTTP_PORT": str(http_port),
                "HUB_LOG_LEVEL": "error",
            }
            if knows_roles or name == "court_bridge":
                environment["HUB_CREDENTIALS_FILE"] = str(made.file if knows_roles else old)
            # -P: the tree's own modules and not those of the folder that we stand in.
            child = Child(name, 1, environment, folder, (sys.executable, "-P", "-m", f"services.{name}"))
            children[name] = child
            child.start()
            stack.push_async_callback(child.wait_ended)
            stack.callback(child.terminate)
        for child in children.values():
            await child.wait_ready()
        yield children, made


async def kinds_of(children: dict[str, Child], made: Any, stack: AsyncExitStack) -> dict[str, Kind]:  # noqa: ANN401 - credentials
    """Return the calls that are compared."""
    lines = {name: await stack.enter_async_context(channel(child.grpc_address)) for name, child in children.items()}
    intake: Any = intake_pb2_grpc.IntakeServiceStub(lines["intake"])
    stats: Any = stats_pb2_grpc.StatsServiceStub(lines["stats"])
    court: Any = court_pb2_grpc.CourtBridgeServiceStub(lines["court_bridge"])
    clerk, operator = bearer(made.tokens["clerk"]), bearer(made.tokens["operator"])
    agency = key_metadata(made.keys[AGENCY])
    numbers = count(1)
    submitted = [await intake.Submit(_submission(-n), timeout=CALL_S, metadata=clerk) for n in range(DISPUTES)]
    disputes = [each.receipt.dispute_id for each in submitted]
    looked = intake_pb2.GetDisputeRequest(dispute_id=disputes[0])
    corrections = _corrections(disputes)
    records = _records()

    async def submit() -> object:
        return await intake.Submit(_submission(next(numbers)), timeout=CALL_S, metadata=clerk)

    async def execute() -> object:
        return await intake.Execute(
            intake_pb2.ExecuteRequest(command=next(corrections)), timeout=CALL_S, metadata=clerk
        )

    async def get() -> object:
        return await intake.GetDispute(looked, timeout=CALL_S, metadata=clerk)

    async def rates() -> object:
        return await stats.GetRates(stats_pb2.GetRatesRequest(), timeout=CALL_S, metadata=operator)

    async def hand_over() -> object:
        return await court.Submit(next(records), timeout=CALL_S, metadata=agency)

    async def results() -> object:
        return await court.ListResults(court_pb2.ListResultsRequest(), timeout=CALL_S, metadata=agency)

    return {
        "intake.Submit": Kind("intake", submit),
        "intake.Execute": Kind("intake", execute),
        "intake.GetDispute": Kind("intake", get),
        "stats.GetRates": Kind("stats", rates),
        "court_bridge.Submit": Kind("court_bridge", hand_over),
        "court_bridge.ListResults": Kind("court_bridge", results),
    }


def _submission(number: int) -> intake_pb2.SubmitRequest:
    request = intake_pb2.SubmitRequest(
        channel="window",
        source_organ=f"window-{COUNTY}",
        source_ref=f"C-{number}",
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        facts=handoff_pb2.CaseReceived(
            county_code=COUNTY,
            town_code=f"{COUNTY}101",
            category="06",
            case_cause="contract",
            relation_clarity="clear",
            facts_clarity="clear",
            recurrence="first",
            scale="individual",
            consents=[handoff_pb2.Consent(role=role, answer="given") for role in ("applicant", "respondent")],
        ),
    )
    request.occurred_at.FromSeconds(int(time.time()) - 3600)
    return request


def _reclassify(dispute_id: str, category: str) -> command_pb2.Command:
    command = command_pb2.Command(
        command_id=str(uuid4()), dispute_id=dispute_id, actor=command_pb2.Actor(role="clerk", actor_id="clerk-1")
    )
    command.occurred_at.FromSeconds(int(time.time()) - 60)
    command.reclassify.category, command.reclassify.reason_code = category, "clerk_error"
    return command


def _corrections(disputes: Sequence[str]) -> Iterator[command_pb2.Command]:
    """Yield a correction of one dispute after the other, to and fro: none gets a long history."""
    for category in cycle(("07", "06")):
        yield from (_reclassify(dispute_id, category) for dispute_id in disputes)


def _records() -> Iterator[court_pb2.SubmitRequest]:
    press = Press(land("county"), 7)
    for first in count(0, 500):
        for case in press.cases(Docking.COURT, range(first, first + 500)):
            if isinstance(case.matter, court_pb2.CourtCase):
                yield court_pb2.SubmitRequest(court_case=case.matter)


async def cost_of(kind: Kind, children: dict[str, Child]) -> float:
    """Return µs of CPU a call of the service that serves it, over one turn."""
    pid = children[kind.service].pid()
    if pid is None:
        raise children[kind.service].obituary()
    before, end = usage_of(pid).cpu_s, time.perf_counter() + SECONDS

    async def caller() -> int:
        made = 0
        while time.perf_counter() < end:
            await kind.call()
            made += 1
        return made

    calls = sum(await asyncio.gather(*(caller() for _ in range(AT_ONCE))))
    return (usage_of(pid).cpu_s - before) / calls * 1e6


async def turns_of(trees: Mapping[str, Path], turns: int, screen: Screen) -> dict[str, list[dict[str, float]]]:
    """Return the cost of each kind of call in each turn, for each tree."""
    async with AsyncExitStack() as stack:
        sides = {}
        for name, tree in trees.items():
            folder = stack.enter_context(rig.scratch("calls"))
            children, made = await stack.enter_async_context(services_of(tree, folder, screen))
            sides[name] = children, await kinds_of(children, made, stack)
        for _, kinds in sides.values():
            for kind in kinds.values():
                for _ in range(WARM // AT_ONCE):
                    await asyncio.gather(*(kind.call() for _ in range(AT_ONCE)))
        found: dict[str, list[dict[str, float]]] = {name: [{} for _ in range(turns)] for name in sides}
        for turn in range(turns):
            for kind_name in next(iter(sides.values()))[1]:
                for side in list(sides)[:: -1 if turn % 2 else 1]:
                    children, kinds = sides[side]
                    found[side][turn][kind_name] = round(await cost_of(kinds[kind_name], children), 1)
            screen.say(f"turn {turn + 1} of {turns}")
        return found


def paired(
    base: Sequence[Mapping[str, float]], now: Sequence[Mapping[str, float]], bound: float
) -> dict[str, dict[str, Any]]:
    """Return what each kind of call costs in both trees, and the median of the turns' ratios with its quartiles."""
    compared: dict[str, dict[str, Any]] = {}
    for name in now[0]:
        there, here = [turn[name] for turn in base], [turn[name] for turn in now]
        first, ratio, third = quantiles((one / other for one, other in zip(here, there, strict=True)), n=4)
        compared[name] = {
            "base": spread(there),
            "now": spread(here),
            "ratio": round(ratio, 3),
            "quartiles": [round(first, 3), round(third, 3)],
            "ok": round(ratio, 3) <= bound,
        }
    return compared


def main() -> int:
    """Compare; the exit code is 1 when a call costs more than its bound."""
    parser = command("calls", "CPU of a call beside an old commit.", rounds=TURNS)
    parser.add_argument("--base", required=True, help="commit to compare with")
    parser.add_argument("--bound", type=float, default=BOUND, help=f"largest ratio of a call (default {BOUND})")
    given = parser.parse_args()
    options = common(given)
    turns = QUICK_TURNS if options.quick else options.rounds
    with checkout(given.base) as tree:
        found = asyncio.run(turns_of({"base": tree, "now": ROOT}, turns, Screen(options)))
    calls = paired(found["base"], found["now"], given.bound)
    ok = all(call["ok"] for call in calls.values())
    document = {
        "benchmark": "calls",
        "base": given.base,
        "turns": turns,
        "bound": given.bound,
        "quick": options.quick,
        "calls": calls,
        "machine": facts(ROOT),
        "ok": ok,
    }
    save("calls", document, publish=options.save)
    finish(document)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
