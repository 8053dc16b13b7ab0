"""Plays a plan through a hub, day by day on its scenario clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Final

from dispute.calendar.days import business_day, end_of
from tests.year.doors import Doors
from tests.year.plan import DOCKED, Entry, Kind, Plan

DAY: Final = timedelta(days=1)
Waits = Callable[[], Awaitable[None]]
ARRIVALS: Final = frozenset({Kind.RECORD, Kind.SUBMISSION})


@dataclass
class Played:
    """What the hub said while a plan was played.

    Attributes:
        accepted: Disputes whose record was acknowledged.
        refused: Kind of input and code -> how often it was refused.
        inputs: How many were given.
        fired: Timers.
    """

    accepted: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    inputs: int = 0
    fired: int = 0


async def _at_once() -> None:
    """Go on without waiting for anything."""


async def play(
    doors: Doors,
    plan: Plan,
    tail_days: int,
    *,
    heard: Waits = _at_once,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Played:
    """Give every input to the hub, in the order of its writing.

    Args:
        doors: The hub.
        plan: What is played.
        tail_days: Days that the clock moves on after the last input.
        heard: Lets the disputes of a matter tell one another their results; after every step.
        progress: Gets the inputs given, and all of them.
    """
    played = Played()
    day = plan.first_day - 20 * DAY
    for on, group in groupby(plan.entries, key=lambda each: business_day(each.written_at)):
        while day < on:
            played.fired += await doors.advance(end_of(day))
            await heard()
            day += DAY
        await give(doors, played, list(group), heard)
        progress(played.inputs, len(plan.entries))
    stop = day + tail_days * DAY
    while day < stop:
        played.fired += await doors.advance(end_of(day))
        day += DAY
        await heard()
    return played


async def give(doors: Doors, played: Played, entries: Sequence[Entry], heard: Waits = _at_once) -> None:
    """Give inputs of one day: what arrives first, and then for each dispute one after the other."""
    arrivals = [each for each in entries if each.kind in ARRIVALS]
    for wave in (*_waves(arrivals), *_waves([each for each in entries if each.kind not in ARRIVALS])):
        await _wave(doors, played, wave)
        await heard()


def _waves(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Split inputs so that those of one dispute keep their order: a report and a command take different ways."""
    waiting: dict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        waiting[each.dispute_id].append(each)
    while waiting:
        wave: list[Entry] = []
        for dispute_id in list(waiting):
            own = waiting[dispute_id]
            most = 1
            while own[0].kind is Kind.COMMAND and most < len(own) and own[most].kind is Kind.COMMAND:
                most += 1
            wave += own[:most]
            waiting[dispute_id] = own[most:]
            if not waiting[dispute_id]:
                del waiting[dispute_id]
        yield wave


async def _wave(doors: Doors, played: Played, wave: Sequence[Entry]) -> None:
    """Give inputs channel by channel, so that the first record of a matter is the same in every hub."""
    played.inputs += len(wave)
    for channel in DOCKED:
        records = [each for each in wave if each.kind is Kind.RECORD and each.channel == channel]
        if any(each.content.get("round", 1) > 1 for each in records):
            # An agency hands over anew when it has the final result of the round before.
            await doors.caught_up(channel)
        if records:
            _note(played, records, await doors.hand_over(channel, [each.content for each in records]))
        reports = [each for each in wave if each.kind is Kind.REPORT and each.channel == channel]
        if reports:
            _note(played, reports, await doors.report(channel, [each.content for each in reports]))
        if records or reports:
            await doors.applied()
    submissions = [each for each in wave if each.kind is Kind.SUBMISSION]
    if submissions:
        _note(played, submissions, await doors.submit([each.content for each in submissions]))
    commands = [each for each in wave if each.kind is Kind.COMMAND]
    if commands:
        _note(played, commands, await doors.execute([each.content for each in commands]))


def _note(played: Played, entries: Sequence[Entry], codes: Sequence[str]) -> None:
    for each, code in zip(entries, codes, strict=True):
        if code:
            played.refused[f"{each.kind} {code}"] += 1
        elif each.kind in ARRIVALS:
            played.accepted.add(each.dispute_id)
