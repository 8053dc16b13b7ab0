"""Expands a scenario into its records.

The result depends on the file and its seed only.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Final

from ops.play.scenarios.days import SHANGHAI
from ops.play.scenarios.fates import Draft, drafts
from ops.play.scenarios.model import RecordSpec, Scenario
from ops.play.scenarios.people import Registry
from ops.play.scenarios.record import Ending, Record, RecordFacts
from ops.play.scenarios.vocabulary import SIDES, Docking, Fate

LAST_SUBMISSION: Final = timedelta(hours=8)
"""Time that is left in the window after a record that is handed over on its last day."""

LATE_DAYS: Final = (7, 21)


def generate(scenario: Scenario) -> tuple[Record, ...]:
    """Return all records in order of arrival."""
    dice = random.Random(scenario.seed)  # noqa: S311 - reproducible simulation, no secret
    people = Registry(scenario.county, scenario.window.start, dice)
    numbers = count(1)
    made = [
        _record(draft, next(numbers), scenario, people, dice)
        for channel in Docking
        if channel in scenario.channels
        for draft in drafts(channel, scenario.channels[channel], scenario.window, dice)
    ]
    made += [_record(_draft_of(spec), next(numbers), scenario, people, dice, spec=spec) for spec in scenario.records]
    refs = {(record.agency, record.ref) for record in made}
    if len(refs) < len(made):
        raise ValueError("records: two records of one agency carry the same reference")
    return tuple(sorted(_delay_some(made, scenario, dice), key=lambda record: (record.arrives_at, record.number)))


def _draft_of(spec: RecordSpec) -> Draft:
    consents = tuple((role, spec.consents.get(role, "given")) for role in SIDES[spec.channel])
    facts = RecordFacts(spec.relation, spec.facts, consents, spec.procedure, spec.circumstances, spec.purpose)
    ending = Ending(spec.fate, spec.form, spec.ended_by, spec.settled_after_days)
    return Draft(spec.channel, spec.received_on, facts, ending)


def _record(
    draft: Draft,
    number: int,
    scenario: Scenario,
    people: Registry,
    dice: random.Random,
    *,
    spec: RecordSpec | None = None,
) -> Record:
    channel = draft.channel
    plan = scenario.channels[channel]
    towns, weights = zip(*((town.code, town.weight) for town in scenario.towns), strict=True)
    town: str = dice.choices(towns, weights)[0]
    category = dice.choices(tuple(plan.categories), tuple(plan.categories.values()))[0]
    handed_over_on = _handed_over_on(draft, scenario, dice)
    ref = reference(channel, scenario.county, draft.received_on, number)
    if spec is not None:
        town, category = spec.town or town, spec.category
        handed_over_on = spec.handed_over_on or spec.received_on
        ref = spec.ref or ref
    handed_over_at = _office_time(handed_over_on, scenario.window.closes_at, dice)
    return Record(
        number=number,
        channel=channel,
        agency=plan.agency,
        ref=ref,
        received_on=draft.received_on,
        handed_over_at=handed_over_at,
        arrives_at=handed_over_at,
        county=scenario.county,
        town=town,
        category=category,
        facts=draft.facts,
        ending=draft.ending,
        parties=(people.person(), people.person()),
        amount_fen=dice.randrange(50_000, 20_000_000, 100) if channel is Docking.COURT else 0,
        aftercare=draft.aftercare,
    )


def reference(channel: Docking, county: str, received_on: date, number: int) -> str:
    """Return a reference in the channel's usual form."""
    match channel:
        case Docking.COURT:
            return f"({received_on.year})甘{county[2:]}民诉前调{number:06d}号"
        case Docking.POLICE:
            return f"J{county}{received_on:%Y%m%d}{number:06d}"
        case Docking.PETITION:
            return f"XF{county}{received_on:%Y%m%d}{number:06d}"


def _handed_over_on(draft: Draft, scenario: Scenario, dice: random.Random) -> date:
    # Police hand over within the day; clerks of courts and petition offices take up to two.
    lag = 0 if draft.channel is Docking.POLICE else dice.choice((0, 0, 1, 1, 2))
    return min(draft.received_on + timedelta(days=lag), scenario.window.end - timedelta(days=1))


def _office_time(day: date, closes_at: datetime, dice: random.Random) -> datetime:
    at = datetime.combine(day, time(8, 30), SHANGHAI) + timedelta(minutes=dice.randrange(9 * 60))
    return min(at, closes_at - LAST_SUBMISSION)


def _delay_some(made: Sequence[Record], scenario: Scenario, dice: random.Random) -> list[Record]:
    latest = scenario.window.closes_at - timedelta(days=LATE_DAYS[1] + 3)
    able = [
        index
        for index, record in enumerate(made)
        if record.handed_over_at < latest and record.ending.fate not in {Fate.OPEN, Fate.EXPIRED}
    ]
    late = set(dice.sample(able, min(scenario.noise.late, len(able))))
    return [
        replace(record, arrives_at=record.handed_over_at + timedelta(days=dice.randint(*LATE_DAYS)))
        if index in late
        else record
        for index, record in enumerate(made)
    ]
