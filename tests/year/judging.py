"""Judges a hub after a year: every check on every dispute, as counts that must be 0."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dispute.wire.exchange.v1 import exchange_pb2
from dispute.wire.intake.v1 import intake_pb2
from tests.faults.results import compare_results, due_results
from tests.year import invariants, told
from tests.year.doors import Doors
from tests.year.figures import ALL, METRICS, Figure, counted, differing, figures, months
from tests.year.invariants import OVER, History
from tests.year.plan import DOCKED, Plan
from tests.year.playing import Played

SHOWN: Final = 5
PATIENCE_S: Final = 30.0
LOOK_S: Final = 0.2
SAMPLED: Final = 20
CHECKS: Final = (
    "lost",
    "told_wrong",
    "ill_led",
    "ill_dated",
    "unfinished",
    "retracted_wrong",
    "ill_ended",
    "ill_chained",
    "results_wrong",
    "figures_wrong",
)


@dataclass
class Judgement:
    """What was found.

    Attributes:
        problems: Check -> everything that it found wrong.
        events: In all histories.
        rewound: Alarms and outcomes that a later paper took back.
        states: State -> disputes.
        digests: Dispute -> digest of all that can be read of it, to compare two hubs that had the same year.
    """

    problems: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CHECKS})
    events: int = 0
    rewound: int = 0
    states: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How much each check found; all are 0 when the hub is right."""
        return {name: len(found) for name, found in self.problems.items()}

    @property
    def shown(self) -> list[str]:
        """The first problems of each check."""
        return [f"{name}: {each}" for name, found in self.problems.items() for each in found[:SHOWN]]


@dataclass(frozen=True)
class Answers:
    """Everything that a hub answers about a year.

    Attributes:
        histories: By the stream of all events.
        limits: Next limit of each dispute that is not over.
        sample: Some histories again, asked for one by one.
    """

    register: Mapping[str, intake_pb2.Dispute]
    histories: Mapping[str, History]
    results: Mapping[str, Sequence[exchange_pb2.Result]]
    limits: Mapping[str, str]
    sample: Mapping[str, History]


async def read(doors: Doors) -> Answers:
    """Ask a hub for everything."""
    register = {each.dispute_id: each for each in await doors.register()}
    histories = await doors.journal_events()
    sample = await doors.histories(list(register)[::SAMPLED])
    owners = {name: ("", "") for name, each in register.items() if each.dimensions.channel in DOCKED}
    events = (
        event for name, history in histories.items() if register[name].dimensions.channel in DOCKED for event in history
    )
    owed = len(due_results(events, owners))
    results = {name: await doors.results(name) for name in DOCKED}
    # Bridges read the journal by themselves: what is still on its way is waited for, and what never comes is told.
    end = time.monotonic() + PATIENCE_S
    while sum(map(len, results.values())) < owed and time.monotonic() < end:
        await asyncio.sleep(LOOK_S)
        results = {name: await doors.results(name) for name in DOCKED}
    limits = await doors.limits([each.dispute_id for each in register.values() if each.state not in OVER])
    return Answers(register, histories, results, limits, sample)


async def judge(doors: Doors, plan: Plan, played: Played, answers: Answers) -> Judgement:
    """Check everything."""
    events = [event for history in answers.histories.values() for event in history]
    found = Judgement(events=len(events), rewound=sum(event.rewinds_to > 0 for event in events))
    for dispute in answers.register.values():
        found.states[dispute.state] = found.states.get(dispute.state, 0) + 1
    _of_disputes(found, plan, played, answers)
    _of_results(found, plan, answers)
    again = counted(answers.histories.values())
    found.problems["retracted_wrong"] += again.problems
    channels = sorted({each.channel for each in plan.disputes})
    for window in months(plan.first_day.replace(day=1), plan.last_day):
        answer = await doors.rates(window[0].isoformat(), window[1].isoformat(), METRICS, (*channels, ALL))
        says = {(r.channel, r.metric): Figure(r.numerator, r.denominator, r.open) for r in answer.rates}
        found.problems["figures_wrong"] += differing(says, figures(again, window, channels), window)
    results = {name: its for each in answers.results.values() for name, its in told.by_dispute(each).items()}
    found.digests = {
        name: _digest(state, answers.histories.get(name, ()), results.get(name, ()))
        for name, state in answers.register.items()
    }
    return found


def _of_disputes(found: Judgement, plan: Plan, played: Played, answers: Answers) -> None:
    problems = found.problems
    problems["lost"] += sorted(played.accepted - answers.register.keys())
    problems["lost"] += sorted(answers.register.keys() - {each.dispute_id for each in plan.disputes})
    problems["lost"] += sorted(answers.register.keys() ^ answers.histories.keys())
    problems["told_wrong"] += [name for name, its in answers.sample.items() if its != answers.histories.get(name)]
    for dispute_id, history in answers.histories.items():
        if dispute_id not in answers.register:
            continue
        problems["told_wrong"] += invariants.told_wrong(history)
        problems["ill_led"] += invariants.ill_led(history)
        problems["ill_dated"] += invariants.ill_dated(history)
        now = answers.register[dispute_id]
        if invariants.unfinished(now.state, now.supervision, answers.limits.get(dispute_id, "")):
            problems["unfinished"].append(f"{dispute_id} {now.state} {now.supervision}")


def _of_results(found: Judgement, plan: Plan, answers: Answers) -> None:
    owners = {each.dispute_id: (each.agency, each.ref) for each in plan.disputes if each.channel in DOCKED}
    lines: list[Mapping[str, Any]] = []
    for source, results in answers.results.items():
        ours = told.by_dispute(results)
        for dispute_id, of in owners.items():
            if of[0].startswith(f"{source}-") and dispute_id in answers.histories:
                its, state = ours.get(dispute_id, []), answers.register[dispute_id].state
                found.problems["ill_ended"] += told.ill_ended(its, answers.histories[dispute_id], state)
                found.problems["ill_chained"] += told.ill_chained(its)
                lines += [_line(each, of[0]) for each in its]
    events = (event for history in answers.histories.values() for event in history)
    found.problems["results_wrong"] += compare_results(lines, due_results(events, owners))[1]


def _line(result: exchange_pb2.Result, agency: str) -> Mapping[str, Any]:
    names = ("event_id", "dispute_id", "source_ref", "status")
    return {name: getattr(result, name) for name in names} | {"agency": agency}


def _digest(dispute: intake_pb2.Dispute, history: History, results: Sequence[exchange_pb2.Result]) -> str:
    """Return a digest of what is the same in each hub: not the code given in the order of arrival, nor our times."""
    made = hashlib.sha256()
    state = intake_pb2.Dispute()
    state.CopyFrom(dispute)
    state.case_code = ""
    made.update(state.SerializeToString(deterministic=True))
    for event in history:
        kept = type(event)()
        kept.CopyFrom(event)
        kept.ClearField("recorded_at")
        kept.particulars.case_code = ""
        # Chosen anew in each run, where a request names none.
        kept.correlation_id = ""
        if event.type == "performed":  # its evidence is made with a key of the bridge
            kept.particulars.document_sha256 = ""
        made.update(kept.SerializeToString(deterministic=True))
    for result in results:
        same = exchange_pb2.Result()
        same.CopyFrom(result)
        same.cursor, same.case_code = 0, ""
        if result.status == "performed":
            same.document_sha256 = ""
        made.update(same.SerializeToString(deterministic=True))
    return made.hexdigest()
