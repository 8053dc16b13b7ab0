"""Computes rates from integer counts.

Numerator, denominator, what is still open, and the percentage, rounded half-up to one decimal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from services.stats.facts.measures import ALL, BY_NAME, CohortCount
from services.stats.facts.query import Counts
from services.stats.figures.definitions import Metric

_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class MetricRate:
    """One rate of one channel (or `all`).

    Attributes:
        open: Disputes of the denominator without an outcome yet.
        percent: One decimal, half-up; None on denominator 0. Over 100 is possible and is not clipped.
    """

    channel: str
    metric: str
    numerator: int
    denominator: int
    percent: str | None
    open: int


def percent(numerator: int, denominator: int) -> str | None:
    """Return the percentage, half-up to one decimal.

    Numerator ÷ denominator; None when the denominator is 0.
    """
    if denominator == 0:
        return None
    return str((Decimal(numerator * 100) / denominator).quantize(_TENTH, rounding=ROUND_HALF_UP))


def total(counts: Counts, channel: str, codes: frozenset[int]) -> int:
    """Return the sum of base counts of one channel, or `all`."""
    return sum(number for (where, code), number in counts.items() if code in codes and (channel in (ALL, where)))


def codes_of(measures: Iterable[str]) -> frozenset[int]:
    """Return the base counts of the named measures.

    Measures of one metric never overlap.
    """
    return frozenset(code for name in measures for code in BY_NAME[name].codes)


def rate_of(counts: Counts, metric: Metric, channel: str) -> MetricRate:
    """Return one rate."""
    numerator = total(counts, channel, codes_of(metric.numerator))
    denominator = total(counts, channel, codes_of(metric.denominator))
    return MetricRate(
        channel=channel,
        metric=metric.name,
        numerator=numerator,
        denominator=denominator,
        percent=percent(numerator, denominator),
        open=0 if metric.answered is None else denominator - total(counts, channel, _only(metric.answered)),
    )


def _only(count: CohortCount) -> frozenset[int]:
    return frozenset({int(count)})
