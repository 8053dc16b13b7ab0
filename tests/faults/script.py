"""The records of one episode: three agencies' cases, each with what people do with it; from a seed.

On the scenario clock an episode is a quarter of its own, and deadlines ring at its end. On the wall clock everything is
of today, as in a county: terms outlast the run, and nothing is moved.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from ops.play.scenarios.days import SHANGHAI
from ops.play.scenarios.generate import generate, reference
from ops.play.scenarios.journeys import Journey, journey
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.record import Record
from ops.play.scenarios.terms import CONFIRMED_UNTIL
from ops.play.scenarios.vocabulary import Docking, Fate

SCENARIO: Final = "scenario"
WALL: Final = "wall"
CLOCKS: Final = (SCENARIO, WALL)
COUNTY: Final = "620725"
FIRST_YEAR: Final = 2012
QUARTERS: Final = 36
"""Episodes of one hub's life at most: every one has a quarter of its own, so that business time only goes forward."""
PER_MONTH: Final[Mapping[str, int]] = {"court": 60, "police": 60, "petition": 30}
CHAPTER: Final = 500
"""Room for the record numbers of one chapter."""
CHAPTERS: Final = 20
"""Of one episode; references carry six digits."""
SEEDS: Final = 10_000
"""Places of chapters in one life of the hub, at most."""
AGO: Final = timedelta(minutes=1)
"""On the wall clock: from the hand-over to the writing of the script, in which all that people do has its instants."""
PACE: Final = timedelta(seconds=4)
AGENCIES: Final[Mapping[Docking, str]] = {channel: f"{channel}-{COUNTY}" for channel in Docking}


@dataclass(frozen=True)
class Script:
    """One chapter of an episode's records.

    Attributes:
        records: In the order in which they are told.
        ways: Record number to what people do with it.
    """

    records: Sequence[Record]
    ways: Mapping[int, Journey]


def write(seed: int, episode: int, chapter: int = 0, *, late: bool = False, now: datetime | None = None) -> Script:
    """Return a chapter of an episode's script; pure.

    Args:
        seed: Decides facts, fates and people.
        episode: 1, 2, 3 … within one life of the hub.
        chapter: 0, 1, 2 … within the episode.
        late: The records belong to the quarter before the last one: they come 90 days late at least.
        now: The wall clock's time, for records of today; None is the scenario clock.
    """
    if not 0 <= chapter < CHAPTERS:
        raise ValueError(f"an episode has {CHAPTERS} chapters, this is {chapter}")
    # A number of its own in this life of the hub: the same people with the same matter would be one dispute.
    place = (2 * episode + late) * CHAPTERS + chapter
    window = _quarter(episode - 2 if late else episode) if now is None else _day_of(now - AGO)
    scenario = Scenario.model_validate(_scenario(seed * SEEDS + place, *window))
    offset = place * CHAPTER
    records = [_renumbered(record, offset) for record in generate(scenario)]
    random.Random(seed).shuffle(records)  # noqa: S311 - reproducible, no secret
    ways = {record.number: _by_people(record, journey(record, scenario)) for record in records}
    if now is not None:
        records, ways = _just_now(records, ways, now)
    return Script(records, ways)


def _by_people(record: Record, way: Journey) -> Journey:
    """Leave out what waits for a term to run out: the clock moves when the episode is over."""
    return replace(way, steps=way.steps[:-1]) if record.ending.fate is Fate.EXPIRED and way.steps[3:] else way


def _just_now(
    records: Sequence[Record], ways: Mapping[int, Journey], now: datetime
) -> tuple[list[Record], dict[int, Journey]]:
    """Move everything into the last minute: nothing lies ahead of the hub's clock, steps keep their order."""
    handed_over_at = (now - AGO).astimezone(SHANGHAI).replace(microsecond=0)
    moved = {
        number: replace(
            way, steps=tuple(replace(step, at=handed_over_at + n * PACE) for n, step in enumerate(way.steps, 1))
        )
        for number, way in ways.items()
    }
    return [replace(record, handed_over_at=handed_over_at, arrives_at=handed_over_at) for record in records], moved


def ends_at(episode: int) -> datetime:
    """Return where the scenario clock goes when the episode is over: the instant after its quarter's last."""
    _, end = _quarter(episode)
    return datetime(end.year, end.month, end.day, tzinfo=SHANGHAI)


def _renumbered(record: Record, offset: int) -> Record:
    number = record.number + offset
    return replace(record, number=number, ref=reference(record.channel, record.county, record.received_on, number))


def _quarter(episode: int) -> tuple[date, date]:
    """Return the first day of an episode's quarter and the one after its last."""
    at = episode + 1  # two quarters before the first episode's stay free for what comes late
    if not 0 <= at < QUARTERS + 2:
        raise ValueError(f"a hub's life has {QUARTERS} episodes, this is {episode}")
    return _first_day(at), _first_day(at + 1)


def _day_of(at: datetime) -> tuple[date, date]:
    day = at.astimezone(SHANGHAI).date()
    return day, day + timedelta(days=1)


def _scenario(seed: int, start: date, end: date) -> dict[str, Any]:
    last = end - timedelta(days=1)
    months = [f"{start.year}-{month:02d}" for month in range(start.month, last.month + 1)]
    return {
        "name": "faults",
        "title": {"zh": "故障", "en": "Faults"},
        "seed": seed,
        "county": COUNTY,
        "window": {"start": start, "end": end},
        "tick_days": 14,
        "towns": [
            {"code": "620725101", "name": "清泉镇", "weight": 3},
            {"code": "620725102", "name": "位奇镇"},
            {"code": "620725103", "name": "霍城镇"},
        ],
        "channels": {channel: _plan(channel, months, start) for channel in PER_MONTH},
    }


def _first_day(at: int) -> date:
    return date(FIRST_YEAR + at // 4, at % 4 * 3 + 1, 1)


def _plan(channel: str, months: Sequence[str], start: date) -> dict[str, Any]:
    total = 3 * PER_MONTH[channel]
    unit = total // 30
    # In one day no term runs out.
    whole = len(months) > 1
    refused, excluded = 2 * unit, unit
    expired = unit if whole and channel != "petition" else 0
    failed, withdrawn, still_open = 3 * unit, unit, 2 * unit
    settled = total - refused - excluded - expired - failed - withdrawn - still_open
    return {
        "agency": AGENCIES[Docking(channel)],
        "received": dict.fromkeys(months, total // len(months)),
        "outcomes": {
            "settled": {"agreement": settled - unit, "self_settled": unit},
            "failed": {"deadlock": failed},
            "withdrawn": {"applicant_withdrew": withdrawn},
            "expired": expired,
            "open": still_open,
        },
        "not_accepted": {
            "refused": refused,
            "excluded": {
                {"court": "special", "police": "gang_fight", "petition": "litigation_pending"}[channel]: excluded
            },
        },
        "categories": {"court": {"08": 2, "01": 1}, "police": {"02": 1, "01": 1}, "petition": {"11": 1}}[channel],
        "aftercare": {
            "confirmed": unit if channel == "court" and start < CONFIRMED_UNTIL else 0,
            "performed": settled // 2,
            "closed": settled // 3,
        },
    }
