"""Days told from today: a scenario that never gets old, and what of it the wall clock can play."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from ops.console.exits import CommandError, Exit
from ops.play.demo import write_out
from ops.play.scenarios.days import SHANGHAI, spans, this_day
from ops.play.scenarios.expected import sums
from ops.play.scenarios.load import load, parse
from ops.play.scenarios.model import Scenario, ScenarioWindow
from ops.play.scenarios.terms import term
from ops.play.scenarios.vocabulary import Fate
from ops.play.scenarios.wall import ROOM, refuse_unplayable
from tests.support.scenarios import FOLDER, TINY, tiny

SUNDAY = date(2026, 11, 29)
DAYS = (date(2024, 2, 29), date(2025, 1, 1), date(2025, 3, 1), SUNDAY, date(2027, 12, 31))
TODAY_S = FOLDER / "today.yaml"


def relative(window: str, day: date = SUNDAY) -> Scenario:
    text = TINY.replace("{start: 2024-01-01, end: 2024-04-01}", window)
    text = text.replace("{2024-01: 6, 2024-02: 4}", "{window: 10}").replace("{2024-02: 3}", "{window: 3}")
    text = text.replace("expired: 1, open: 1", "open: 2").replace("2024-01-10", "today-2")
    return parse(text, "tiny.yaml", day)


def test_days_are_told_from_the_day_of_the_run() -> None:
    scenario = relative("{start: today-2, end: today}")
    assert scenario.window == ScenarioWindow(start=date(2026, 11, 27), end=SUNDAY)
    assert scenario.records[0].received_on == date(2026, 11, 27)


def test_a_day_told_from_today_needs_to_know_today() -> None:
    with pytest.raises(ValidationError, match="needs to know which day"):
        ScenarioWindow.model_validate({"start": "today-1", "end": "today"})


def test_this_day_is_the_one_of_china() -> None:
    before = datetime.now(UTC).astimezone(SHANGHAI).date()
    assert before <= this_day() <= before + timedelta(days=1)


def test_a_month_and_the_whole_window_are_spans() -> None:
    found = list(spans({"2024-12": 3, "window": 4}, date(2024, 11, 20), date(2025, 1, 5)))
    assert [(span.first, span.end, span.count) for span in found] == [
        (date(2024, 12, 1), date(2025, 1, 1), 3),
        (date(2024, 11, 20), date(2025, 1, 5), 4),
    ]


@pytest.mark.parametrize("day", DAYS)
def test_what_is_played_on_the_wall_clock_has_happened_and_no_limit_ends_today(day: date) -> None:
    scenario = load(TODAY_S, day)
    refuse_unplayable(scenario, day)
    script = write_out(scenario)
    midnight = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    assert script.records
    for record in script.records:
        assert scenario.window.holds(record.received_on)
        assert record.arrives_at < midnight
        assert record.received_on + term(record.channel, record.received_on, record.facts.procedure) > day + ROOM
        assert record.ending.fate is not Fate.EXPIRED
    assert all(step.at < midnight for way in script.journeys.values() for step in way.steps)


def test_the_sums_are_the_same_on_every_day() -> None:
    told = []
    for day in DAYS:
        script = write_out(load(TODAY_S, day))
        told.append(sums(script.records, script.ends_at, script.scenario.window))
    assert all(one == told[0] for one in told)
    assert told[0]["all"].registered == 58
    assert told[0]["all"].accepted == 44
    assert told[0]["all"].agreed == 30


@pytest.mark.parametrize(
    "window", ["{start: today-2, end: today-1}", "{start: today-3, end: today}", "{start: today-2, end: today}"]
)
def test_the_last_three_days_are_playable(window: str) -> None:
    refuse_unplayable(relative(window), SUNDAY)


@pytest.mark.parametrize("window", ["{start: today-4, end: today}", "{start: today-2, end: 2026-11-30}"])
def test_what_is_older_or_still_to_come_is_not_played_on_the_wall_clock(window: str) -> None:
    with pytest.raises(CommandError, match="within the last 3 days") as refused:
        refuse_unplayable(relative(window), SUNDAY)
    assert refused.value.exit_code is Exit.USAGE


def test_a_half_year_is_not_played_on_the_wall_clock() -> None:
    with pytest.raises(CommandError, match="2024-04-01"):
        refuse_unplayable(tiny(), SUNDAY)
