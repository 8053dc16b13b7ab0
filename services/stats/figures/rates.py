"""Computes rates from integer counts.

Numerator, denominator, what is still open, and the percentage, rounded half-up to one decimal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from services.stats.facts.measures import ALL, BY_NAME
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


def total(counts: Counts, channel: str, weights: Mapping[int, int]) -> int:
    """Return the sum of base counts of one channel, or `all`.

    Each base count has its sign.
    """
    chosen = ((code, number) for (where, code), number in counts.items() if channel in (ALL, where))
    return sum(weights[code] * number for code, number in chosen if code in weights)


def weights_of(measures: Iterable[str]) -> Mapping[int, int]:
    """Return the base counts of the named measures, each with its sign.

    Measures of one metric never overlap.
    """
    return {code: sign for name in measures for code, sign in BY_NAME[name].weights.items()}


def rate_of(counts: Counts, metric: Metric, channel: str) -> MetricRate:
    """Return one rate."""
    numerator = total(counts, channel, weights_of(metric.numerator))
    denominator = total(counts, channel, weights_of(metric.denominator))
    return MetricRate(
        channel=channel,
        metric=metric.name,
        numerator=numerator,
        denominator=denominator,
        percent=percent(numerator, denominator),
        open=0 if metric.answered is None else denominator - total(counts, channel, {int(metric.answered): 1}),
    )
