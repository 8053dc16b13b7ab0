"""When the flood guard trips, and for whom."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.streams.flood import MINIMUM, REMEMBERED, WINDOW, Flooded, FloodWatch
from hub.streams.holds import covers, held_remark

BAD = "unknown_code"
COURT, POLICE = "court_bridge/court-620725", "police_bridge/police-620725"


def told(watch: FloodWatch, source: str, reasons: Sequence[str], held: Sequence[str] = ()) -> None:
    """Judge a committed transaction."""
    trial = watch.trial(held)
    for reason in reasons:
        trial.note(source, reason)
    watch.keep(trial)


def test_the_twentieth_dead_letter_trips_and_names_the_reasons() -> None:
    watch = FloodWatch()
    told(watch, COURT, [BAD] * (MINIMUM - 2) + ["bad_date"])
    with pytest.raises(Flooded) as flood:
        told(watch, COURT, [BAD])
    assert flood.value.source == COURT
    assert flood.value.reasons == "unknown_code × 19, bad_date × 1"


def test_sources_are_judged_apart() -> None:
    watch = FloodWatch()
    told(watch, COURT, [BAD] * (MINIMUM - 1))
    told(watch, POLICE, [BAD] * (MINIMUM - 1))
    with pytest.raises(Flooded):
        told(watch, POLICE, [BAD])


def test_less_than_half_is_no_flood_however_many_they_are() -> None:
    watch = FloodWatch()
    told(watch, COURT, [BAD, "", ""] * WINDOW)


def test_a_window_begins_with_a_dead_letter_and_is_forgotten_without_one() -> None:
    watch = FloodWatch()
    told(watch, COURT, [""] * WINDOW)
    assert not watch.trial(()).watching
    told(watch, COURT, [BAD])
    assert watch.trial(()).watching
    told(watch, COURT, [""] * WINDOW)
    assert not watch.trial(()).watching


def test_what_did_not_commit_is_not_remembered() -> None:
    watch = FloodWatch()
    for _ in range(3):
        trial = watch.trial(())
        for _ in range(MINIMUM - 1):
            trial.note(COURT, BAD)


def test_a_held_source_is_not_judged_and_a_held_producer_covers_its_agencies() -> None:
    watch = FloodWatch()
    told(watch, COURT, [BAD] * WINDOW, held=[COURT])
    told(watch, COURT, [BAD] * WINDOW, held=["court_bridge"])
    assert covers(["court_bridge"], COURT)
    assert not covers(["court"], COURT)
    assert not covers([COURT], "court_bridge")


def test_a_source_that_was_held_comes_back_with_a_clean_sheet() -> None:
    watch = FloodWatch()
    told(watch, COURT, [BAD] * (MINIMUM - 1))
    watch.forget([COURT])
    told(watch, COURT, [BAD] * (MINIMUM - 1))


def test_invented_sources_fill_no_memory() -> None:
    watch = FloodWatch()
    for number in range(3 * REMEMBERED):
        told(watch, f"stranger/{number}", [BAD])
    trial = watch.trial(())
    assert len(trial._before) == REMEMBERED
    assert "stranger/0" not in trial._before


def test_health_names_the_sources() -> None:
    assert held_remark([]) == ""
    assert "court_bridge/court-620725" in held_remark([COURT])
