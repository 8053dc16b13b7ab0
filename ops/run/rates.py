"""The rates as stats returns them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dispute.lifecycle.vocabulary import DOCKED

METRICS: Final = ("diversion", "success", "success_on_concluded", "resolution")
CHANNELS: Final = (*(str(channel) for channel in DOCKED), "all")


@dataclass(frozen=True, slots=True)
class RateRow:
    """One figure of the table of rates."""

    channel: str
    metric: str
    numerator: int
    denominator: int
    percent: str | None
