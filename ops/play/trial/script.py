"""Generates an agency's endless records from a seed.

All records are of the last two days; each comes with the steps that people take.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from ops.play.scenarios.generate import generate, reference
from ops.play.scenarios.journeys import Journey, journey
from ops.play.scenarios.model import Scenario
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Docking

COUNTY: Final = "620725"
AGENCIES: Final[Mapping[Docking, str]] = {channel: f"{channel}-{COUNTY}" for channel in Docking}
CHAPTER: Final = 100
"""Number of records that are generated at a time."""

_EXCLUDED: Final = {
    Docking.COURT: "special",
    Docking.POLICE: "gang_fight",
    Docking.PETITION: "litigation_pending",
}
_CATEGORIES: Final = {
    Docking.COURT: {"08": 2, "01": 1},
    Docking.POLICE: {"02": 1, "01": 1},
    Docking.PETITION: {"11": 1},
}


@dataclass(frozen=True, slots=True)
class TrialCase:
    """A record with its journey.

    The journey is what people do with it if it is accepted.
    """

    record: Record
    way: Journey


def cases(channel: Docking, seed: int, today: Callable[[], date]) -> Iterator[TrialCase]:
    """Yield one agency's cases without end.

    They are generated a hundred at a time; each hundred calls `today` once.
    """
    number = 0
    while True:
        scenario = Scenario.model_validate(_scenario(channel, f"{seed}/{channel}/{number}", today()))
        records = list(generate(scenario))
        random.Random(scenario.seed).shuffle(records)  # noqa: S311 - reproducible, no secret
        for record in records:
            yield TrialCase(_renumbered(record, number * CHAPTER), journey(record, scenario))
        number += 1


def _renumbered(record: Record, offset: int) -> Record:
    number = record.number + offset
    return replace(record, number=number, ref=reference(record.channel, record.county, record.received_on, number))


def _scenario(channel: Docking, seed: str, today: date) -> dict[str, Any]:
    return {
        "name": f"trial-{channel}",
        "title": {"zh": "试运行", "en": "Trial"},
        "seed": random.Random(seed).randrange(2**31),  # noqa: S311 - as above
        "county": COUNTY,
        "window": {"start": today - timedelta(days=2), "end": today},
        "towns": [
            {"code": "620725101", "name": "清泉镇", "weight": 3},
            {"code": "620725102", "name": "位奇镇"},
            {"code": "620725103", "name": "霍城镇"},
        ],
        "channels": {
            channel: {
                "agency": AGENCIES[channel],
                "received": {"window": CHAPTER},
                "outcomes": {
                    "settled": {"agreement": 44, "self_settled": 6},
                    "failed": {"deadlock": 10},
                    "withdrawn": {"applicant_withdrew": 5},
                    "open": 15,
                },
                "not_accepted": {"refused": 10, "unclear_facts": 4, "excluded": {_EXCLUDED[channel]: 6}},
                "categories": _CATEGORIES[channel],
                "aftercare": {"performed": 20, "closed": 10},
            }
        },
    }
