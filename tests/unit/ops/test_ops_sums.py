"""The driver's own arithmetic: what a file says is what its records sum up to, and what a run has to show."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.play.demo import write_out
from ops.play.scenarios.expected import Sums, percent, rates, sums
from ops.play.scenarios.model import Scenario
from ops.run.rates import METRICS, RateRow
from tests.support.scenarios import TINY, tiny


def table(scenario: Scenario) -> dict[tuple[str, str], RateRow]:
    script = write_out(scenario)
    found = rates(sums(script.records, script.ends_at, scenario.window))
    return {(rate.channel, rate.metric): rate for rate in found}


def counts(scenario: Scenario) -> dict[str, Sums]:
    script = write_out(scenario)
    return sums(script.records, script.ends_at, scenario.window)


def test_the_published_figures_of_shandan(shandan: Scenario) -> None:
    found = table(shandan)
    assert found["court", "diversion"] == RateRow("court", "diversion", 1907, 2438, "78.2")
    assert found["court", "success"] == RateRow("court", "success", 1407, 1907, "73.8")
    assert found["police", "success"] == RateRow("police", "success", 530, 578, "91.7")
    assert found["petition", "resolution"] == RateRow("petition", "resolution", 18, 18, "100.0")
    assert found["all", "resolution"] == RateRow("all", "resolution", 1955, 2503, "78.1")


def test_sums_of_the_records_are_those_of_the_file(shandan: Scenario, small: Scenario) -> None:
    for scenario in (shandan, small, tiny()):
        found = counts(scenario.model_copy(update={"records": ()}))
        for channel, plan in scenario.channels.items():
            outcomes = plan.outcomes
            failed = sum(outcomes.failed.values()) + outcomes.expired
            assert found[channel] == Sums(plan.total, outcomes.total, outcomes.settled_total, failed)


def test_a_seed_gives_the_same_records_and_another_seed_others() -> None:
    one, two, other = (write_out(tiny(TINY.replace("seed: 3", f"seed: {seed}"))) for seed in (3, 3, 4))
    assert one.records == two.records
    assert one.journeys == two.journeys
    assert one.records != other.records


@pytest.mark.parametrize(
    ("change", "accepted", "agreed"),
    [
        ("consents: {defendant: refused}", -1, -1),
        ("consents: {plaintiff: unreachable}", -1, -1),
        ("relation: unclear", -1, -1),
        ("facts: unclear", -1, -1),
        ("procedure: payment_order", -1, -1),
        ("circumstances: [status_confirmation]", -1, -1),
        ("circumstances: [divorce]", 0, 0),
        ("relation: fairly_clear", 0, 0),
        ("handed_over_on: 2024-01-12", 0, 0),
    ],
)
def test_one_changed_fact_moves_exactly_its_counts(change: str, accepted: int, agreed: int) -> None:
    before = counts(tiny())
    after = counts(tiny(TINY.replace("fate: settled}", f"fate: settled, {change}}}")))
    assert after["court"].registered == before["court"].registered
    assert after["court"].accepted == before["court"].accepted + accepted
    assert after["court"].agreed == before["court"].agreed + agreed
    assert after["court"].failed == before["court"].failed
    assert after["police"] == before["police"]
    assert after["all"] == after["court"] + after["police"] + after["petition"]


def test_a_record_received_before_the_window_is_accepted_in_it_but_not_registered() -> None:
    text = TINY.replace("received_on: 2024-01-10", "received_on: 2023-12-29, handed_over_on: 2024-01-02")
    before, after = counts(tiny()), counts(tiny(text))
    assert after["court"].registered == before["court"].registered - 1
    assert after["court"].accepted == before["court"].accepted


def test_nothing_to_divide_by_is_no_rate() -> None:
    assert table(tiny())["petition", "success"] == RateRow("petition", "success", 0, 0, None)


def test_every_channel_has_every_metric() -> None:
    assert {metric for _, metric in table(tiny())} == set(METRICS)
    assert len(table(tiny())) == 16


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_percent_is_half_up_to_one_decimal(numerator: int, denominator: int) -> None:
    exact = (Decimal(numerator) * 100 / Decimal(denominator)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    assert percent(numerator, denominator) == str(exact)


def test_percent_of_the_seeds_borderline() -> None:
    assert percent(1407, 1907) == "73.8"
    assert percent(530, 578) == "91.7"
    assert percent(1, 2000) == "0.1"
    assert percent(5, 0) is None
