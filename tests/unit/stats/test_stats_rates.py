"""Rates: half-up to one decimal, null on nothing, every channel in `all`; windows that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Rejected
from services.stats.facts.measures import (
    ALL,
    CHANNELS,
    COUNTED,
    MEASURES,
    UNCOUNTED,
    CohortCount,
    FactType,
    base_count,
)
from services.stats.facts.measures import BY_NAME as MEASURE
from services.stats.facts.query import Cursor
from services.stats.facts.windows import Window, day_number, iso_day, window
from services.stats.figures.definitions import BY_NAME, METRICS, metric_named
from services.stats.figures.listing import cursor_of, page_size, selected, token_of
from services.stats.figures.page import figures_page
from services.stats.figures.question import question, where
from services.stats.figures.rates import percent, rate_of, weights_of

REGISTERED = base_count(FactType.REGISTERED, first=False, concluding=False)
ACCEPTED = base_count(FactType.ACCEPTED, first=False, concluding=False)
AGREED = base_count(FactType.AGREED, first=True, concluding=True)
FAILED = base_count(FactType.FAILED, first=True, concluding=True)


@pytest.mark.parametrize(
    ("numerator", "denominator", "shown"),
    [
        (1907, 2438, "78.2"),
        (1407, 1907, "73.8"),  # 73.78…: truncation would print 73.7
        (530, 578, "91.7"),  # the article prints a truncated 91.6
        (18, 18, "100.0"),
        (1955, 2503, "78.1"),
        (859, 885, "97.1"),
        (1, 2000, "0.1"),  # exactly half: up
        (1, 2001, "0.0"),
        (3, 2, "150.0"),  # hand-over and filing dates differ: shown, not clipped
        (0, 5, "0.0"),
        (0, 0, None),
    ],
)
def test_percent_is_half_up_and_null_on_zero(numerator: int, denominator: int, shown: str | None) -> None:
    assert percent(numerator, denominator) == shown


def test_shandan_january_to_july_2024() -> None:
    counts = {
        ("court", REGISTERED): 2438,
        ("court", ACCEPTED): 1907,
        ("court", AGREED): 1407,
        ("court", FAILED): 400,
        ("court", int(CohortCount.DECIDED)): 2438,
        ("court", int(CohortCount.CONCLUDED)): 1807,
        ("police", REGISTERED): 578,
        ("police", ACCEPTED): 578,
        ("police", AGREED): 530,
        ("petition", ACCEPTED): 18,
        ("petition", AGREED): 18,
    }
    court = {name: rate_of(counts, metric, "court") for name, metric in BY_NAME.items()}
    assert (court["diversion"].percent, court["success"].percent) == ("78.2", "73.8")
    assert (court["diversion"].open, court["success"].open) == (0, 100)
    on_concluded = court["success_on_concluded"]
    assert (on_concluded.numerator, on_concluded.denominator, on_concluded.open) == (1407, 1807, 0)
    total = rate_of(counts, BY_NAME["resolution"], ALL)
    assert (total.numerator, total.denominator, total.percent) == (1955, 2503, "78.1")


def test_all_sums_every_channel_not_only_the_three_docked_ones() -> None:
    counts = {(channel, ACCEPTED): 1 for channel in CHANNELS}
    assert rate_of(counts, BY_NAME["resolution"], ALL).denominator == len(CHANNELS)


def test_matters_are_records_less_links_also_in_all() -> None:
    linked = base_count(FactType.LINKED, first=False, concluding=False)
    counts = {(channel, REGISTERED): 1 for channel in ("court", "police", "petition")}
    counts |= {("police", linked): 1, ("petition", linked): 1}
    matters = {channel: rate_of(counts, BY_NAME["matters"], channel) for channel in (*CHANNELS, ALL)}
    assert [matters[channel].numerator for channel in ("court", "police", "petition", ALL)] == [1, 0, 0, 1]
    assert (matters[ALL].denominator, matters["police"].denominator, matters[ALL].open) == (3, 1, 0)


def test_definitions_name_known_measures_that_never_overlap() -> None:
    for metric in METRICS:
        for part in (metric.numerator, metric.denominator):
            codes = [code for name in part for code in MEASURE[name].weights]
            assert len(codes) == len(set(codes))
            assert set(weights_of(part)) == set(codes)
        assert all((metric.zh, metric.en, metric.formula_zh, metric.formula_en, metric.date_zh, metric.source))


def test_codes_of_facts_are_never_renumbered() -> None:
    assert {fact.name.lower(): int(fact) for fact in FactType} == {
        "registered": 1,
        "accepted": 2,
        "mediation_refused": 3,
        "dispatched": 4,
        "bounced": 5,
        "agreed": 6,
        "failed": 7,
        "withdrawn": 8,
        "confirmation_applied": 9,
        "confirmed": 10,
        "confirmation_refused": 11,
        "performed": 12,
        "not_performed": 13,
        "returned": 14,
        "referred": 15,
        "closed": 16,
        "reopened": 17,
        "rated": 18,
        "visited": 19,
        "duplicate_linked": 20,
        "linked": 21,
        "resubmitted": 22,
    }
    assert not UNCOUNTED & COUNTED.keys()
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)


def test_windows_are_half_open_and_may_be_open_or_empty() -> None:
    assert window("", "") == Window(None, None)
    assert window("2024-01-01", "2024-01-01") == Window(19723, 19723)
    assert window("2024-02-29", "") == Window(19782, None)


@pytest.mark.parametrize(
    ("start", "end", "code", "field"),
    [
        ("2024-1-1", "", "bad_date", "query.start_on"),
        ("20240101", "", "bad_date", "query.start_on"),
        ("2023-02-29", "", "bad_date", "query.start_on"),
        ("2024-01-01\n", "", "bad_date", "query.start_on"),
        ("", "二〇二四年一月一", "bad_date", "query.end_on"),
        ("2024-01-02", "2024-01-01", "window_reversed", "query.end_on"),
        ("1949-09-30", "", "window_out_of_range", "query.start_on"),
        ("", "9999-12-31", "window_out_of_range", "query.end_on"),
    ],
)
def test_bad_windows_name_the_field(start: str, end: str, code: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        window(start, end)
    assert (caught.value.code, caught.value.field) == (code, field)


@given(st.dates())
def test_day_numbers_go_both_ways(day: object) -> None:
    assert iso_day(day_number(str(day))) == str(day)


def test_a_question_without_names_asks_for_every_metric_of_the_docked_channels() -> None:
    asked = question(where("", "", "", "", ""), [], [])
    assert [metric.name for metric in asked.metrics] == [metric.name for metric in METRICS]
    assert asked.channels == ("court", "police", "petition", "all")
    assert question(where("", "", "", "", ""), ["success"] * 2, ["all"] * 2).channels == ("all",)


def test_codes_of_places_are_digits_of_ascii() -> None:
    for county in ("62072", "６２０７２５", "62072x"):
        with pytest.raises(Rejected, match="bad_county_code"):
            where("", "", county, "", "")


@pytest.mark.parametrize(
    ("area", "county", "town", "scope"),
    [
        ("", "", "", ("", "")),
        ("", "152722", "", ("152722", "")),
        ("620725", "", "", ("620725", "")),
        ("620725", "620725", "620725100", ("620725", "620725100")),
        ("620725", "", "620725100", ("", "620725100")),
        ("620725100", "", "", ("620725", "620725100")),
        ("620725100", "620725", "620725100", ("620725", "620725100")),
        ("62", "620725", "", ("620725", "")),
        ("620725", "152722", "", None),
        ("620725", "", "152722100", None),
        ("620725100", "620725", "", None),
        ("620725100", "", "620725101", None),
        ("62", "", "", None),
        ("6207", "152722", "", None),
    ],
)
def test_a_credential_counts_in_its_own_area(area: str, county: str, town: str, scope: tuple[str, str] | None) -> None:
    if scope is not None:
        asked = where("", "", county, town, area)
        assert (asked.county, asked.town) == scope
        return
    with pytest.raises(Rejected) as caught:
        where("", "", county, town, area)
    assert (caught.value.code, caught.value.field) == ("county_out_of_scope", "query.county_code")


def test_a_token_is_bound_to_its_query() -> None:
    cursor = Cursor({"intake/3/ab": 7}, 19723, bytes(16))
    token = token_of(cursor, "one")
    assert cursor_of(token, "one") == cursor
    assert cursor_of("", "one") is None
    with pytest.raises(Rejected, match="page_token_of_another_query"):
        cursor_of(token, "two")


@given(st.text(max_size=200))
def test_junk_is_no_token(junk: str) -> None:
    if junk:
        with pytest.raises(Rejected) as caught:
            cursor_of(junk, "one")
        assert caught.value.field == "page_token"


def test_page_sizes() -> None:
    assert (page_size(0), page_size(1), page_size(1000)) == (100, 1, 1000)
    for size in (-1, 1001):
        with pytest.raises(Rejected, match="bad_page_size"):
            page_size(size)


def test_parts_are_numerator_and_denominator() -> None:
    chosen = selected(metric_named("success_on_concluded", field="metric"), "denominator", "court")
    assert [measure.name for measure in chosen.measures] == ["agreed_concluding", "failed_concluding"]
    with pytest.raises(Rejected, match="unknown_part"):
        selected(METRICS[0], "", "court")


def test_the_page_of_definitions_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "figures.md"
    assert page.read_text(encoding="utf-8") == figures_page(), "run: python -m services.stats figures > docs/figures.md"
