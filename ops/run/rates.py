"""The figures as stats returns them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispute.lifecycle.vocabulary import DOCKED

METRICS: Final = ("diversion", "success", "success_on_concluded", "resolution")
"""Rates that the county is judged by."""
FIGURES: Final = (*METRICS, "matters")
"""The rates, and how many matters the records are."""
CHANNELS: Final = (*(str(channel) for channel in DOCKED), "all")


@dataclass(frozen=True, slots=True)
class RateRow:
    """One figure of one channel."""

    channel: str
    metric: str
    numerator: int
    denominator: int
    percent: str | None
