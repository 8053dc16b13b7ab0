"""Compares the hub's figures with the driver's.

Each difference is one line; there are no mere warnings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from ops.play.scenarios.expected import Sums
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Fate
from ops.play.simulators.answers import ReceivedResult
from ops.run.books import Books
from ops.run.rates import RateRow

GAUGE: Final = "hub_stats_disputes"
DEMANDED: Final[dict[Fate, str]] = {
    Fate.SETTLED: "agreed",
    Fate.FAILED: "failed",
    Fate.EXPIRED: "failed",
    Fate.WITHDRAWN: "withdrawn",
}
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not as expected."""

    what: str
    expected: str
    found: str


def compare_rates(expected: Iterable[RateRow], found: Iterable[RateRow]) -> list[Difference]:
    """Compare the table of rates, figure by figure.

    A missing figure is a difference.
    """
    known = {(rate.channel, rate.metric): rate for rate in found}
    lines = []
    for rate in expected:
        shown = known.get((rate.channel, rate.metric))
        if shown != rate:
            lines.append(
                Difference(f"{rate.channel} {rate.metric}", _text(rate), "—" if shown is None else _text(shown))
            )
    return lines


def _text(rate: RateRow) -> str:
    return f"{rate.numerator}/{rate.denominator} = {rate.percent}"


def compare_gauges(expected: Mapping[str, Sums], metrics: str, county: str) -> list[Difference]:
    """Compare the base counts that Prometheus would scrape."""
    found = {
        (sample.labels["channel"], sample.labels["measure"]): int(sample.value)
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == GAUGE and sample.labels.get("county") == county
    }
    lines = []
    for channel, of in expected.items():
        for measure, count in (("registered", of.registered), ("accepted", of.accepted), ("agreed", of.agreed)):
            # A channel without any record may have no series yet.
            shown = found.get((channel, measure), 0 if channel != "all" else None)
            if shown is not None and shown != count:
                lines.append(Difference(f"Prometheus {channel} {measure}", str(count), str(shown)))
    if not found:
        lines.append(Difference(f"Prometheus {GAUGE}", "a series per channel and measure", "none"))
    return lines


def compare_sets(what: str, expected: AbstractSet[str], found: AbstractSet[str]) -> list[Difference]:
    """Compare two sets of ids."""
    lines = []
    missing, strange = sorted(expected - found), sorted(found - expected)
    if missing:
        lines.append(Difference(what, f"{len(expected)}", f"missing {len(missing)}: {', '.join(missing[:SHOWN])}"))
    if strange:
        lines.append(Difference(what, f"{len(expected)}", f"too many {len(strange)}: {', '.join(strange[:SHOWN])}"))
    return lines


def demanded(record: Record) -> str | None:
    """Return the last status that its agency must get.

    None when no final result is due yet.
    """
    if not record.acceptable:
        return record.answer
    return DEMANDED.get(record.ending.fate)


def compare_results(records: Iterable[Record], results: Mapping[str, Sequence[ReceivedResult]]) -> list[Difference]:
    """Check that each agency got all results due.

    Each of its records must have its result at least once.
    """
    arrived = {
        (agency, result.source_ref, result.status) for agency, of_agency in results.items() for result in of_agency
    }
    missing: Counter[tuple[str, str]] = Counter()
    for record in records:
        wanted = demanded(record)
        if wanted is not None and (record.agency, record.ref, wanted) not in arrived:
            missing[record.agency, wanted] += 1
    return [
        Difference(f"{agency}: results `{status}`", "each record", f"{count} records without")
        for (agency, status), count in missing.items()
    ]


def compare_books(books: Books) -> list[Difference]:
    """Check that the books balance.

    No record may be dead, parked or held either.
    """
    lines = []
    for stage in books.stages:
        if stage.difference:
            lines.append(Difference(f"books {stage.stage}", "0", f"difference {stage.difference}: {stage}"))
        for what, count in (("dead", stage.dead), ("parked", stage.parked), ("held", stage.held)):
            if count:
                lines.append(Difference(f"books {stage.stage} {what}", "0", str(count)))
    return lines
