"""Every kind of difference is seen; nothing that agrees is called one."""

from __future__ import annotations

from dataclasses import replace

from ops.play.chaos import LEAST_LOADED, Kill, least_loaded
from ops.play.demo import write_out
from ops.play.scenarios.expected import Sums
from ops.play.session import _enough
from ops.play.simulators.answers import ReceivedResult
from ops.play.verify import (
    compare_books,
    compare_gauges,
    compare_rates,
    compare_results,
    compare_sets,
    demanded,
)
from ops.run.books import Books, Stage
from ops.run.rates import RateRow
from tests.support.scenarios import tiny

RATE = RateRow("court", "success", 7, 9, "77.8")
METRICS = """\
# TYPE hub_stats_disputes gauge
hub_stats_disputes{county="620725",channel="court",measure="registered"} 10
hub_stats_disputes{county="620725",channel="court",measure="accepted"} 8
hub_stats_disputes{county="620725",channel="court",measure="agreed"} 5
hub_stats_disputes{county="110101",channel="court",measure="agreed"} 99
"""


def test_rates_that_agree() -> None:
    assert compare_rates([RATE], [RATE, replace(RATE, channel="police")]) == []


def test_a_rate_that_differs_or_is_missing() -> None:
    (off,) = compare_rates([RATE], [replace(RATE, numerator=6)])
    assert (off.what, off.expected, off.found) == ("court success", "7/9 = 77.8", "6/9 = 77.8")
    assert compare_rates([RATE], [replace(RATE, percent="77.7")])
    assert compare_rates([RATE], [replace(RATE, percent=None)])
    assert compare_rates([RATE], [])[0].found == "—"


def test_gauges() -> None:
    right = {"court": Sums(10, 8, 5, 1)}
    assert compare_gauges(right, METRICS, "620725") == []
    assert len(compare_gauges({"court": Sums(10, 8, 4, 1)}, METRICS, "620725")) == 1
    assert compare_gauges({"police": Sums(1, 0, 0, 0)}, METRICS, "620725")
    assert compare_gauges({}, "", "620725")[0].found == "none"


def test_sets_show_what_is_missing_and_what_is_strange() -> None:
    assert compare_sets("register", {"a"}, {"a"}) == []
    missing, strange = compare_sets("register", {"a", "b"}, {"b", "c"})
    assert "missing 1: a" in missing.found
    assert "too many 1: c" in strange.found


def test_results_are_due_to_everybody_but_open_records() -> None:
    script = write_out(tiny())
    wanted = [record for record in script.records if demanded(record)]
    assert len(wanted) == len(script.records) - 1
    told = {
        record.agency: [
            ReceivedResult(1, other.ref, demanded(other) or "", final=True)
            for other in wanted
            if other.agency == record.agency
        ]
        for record in wanted
    }
    assert compare_results(script.records, told) == []
    told["court-620725"].pop()
    assert len(compare_results(script.records, told)) == 1


def test_books_have_to_balance_with_nothing_put_aside() -> None:
    stage = Stage("handoff", 5, 5, 0, 0, 0, 0, 0, 0, 0)
    assert compare_books(Books((stage,), 0, 0)) == []
    assert compare_books(Books((replace(stage, difference=1),), 0, 0))
    assert compare_books(Books((replace(stage, applied=4, dead=1),), 0, 0))
    assert compare_books(Books((replace(stage, applied=4, parked=1),), 0, 0))


def test_chaos_has_to_have_bitten() -> None:
    services = ("court_bridge", "police_bridge", "petition_bridge", "intake", "stats")
    loaded = [Kill(service, 1.0, 1, 0) for service in (*services, "intake", "stats", "stats")]
    assert _enough(loaded, LEAST_LOADED) == []
    assert _enough(loaded[:7], 0)
    idle = [replace(kill, outbox_rows=0) for kill in loaded]
    assert _enough(idle, least_loaded(pausing=False))
    assert _enough(idle, least_loaded(pausing=True)) == []
    assert _enough([replace(kill, service="intake") for kill in loaded], 0)
