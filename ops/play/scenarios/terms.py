"""The terms that end a mediation.

They say how long a mediation may take before the hub's timer ends it, and until when an agreement could be confirmed.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from ops.play.scenarios.vocabulary import Docking

CONFIRMED_UNTIL: Final = date(2025, 1, 1)
"""立案与调解意见: from this day of receipt a suit is filed first, and ends in a statement, not in a confirmation."""

LABOUR: Final = "07"
SHORT: Final = frozenset({"summary", "small_claims"})
BEFORE: Final = timedelta(days=2)
"""From signature to the beginning of the mediation, rounded up; the term already runs."""


def term(channel: Docking, received_on: date, procedure: str, category: str = "") -> timedelta:
    """Return the mediation term, counted from signature.

    For petitions it is the part of their term that a scenario uses.

    Source:
        特邀调解规定 27; 公安行政案件程序规定 165; 劳动争议调解仲裁法 14.
    """
    if channel is not Docking.COURT and category.startswith(LABOUR):
        return timedelta(days=15)
    if channel is not Docking.COURT or received_on < CONFIRMED_UNTIL:
        return timedelta(days=30)
    return timedelta(days=7 if procedure in SHORT else 15)


def longest_mediation(channel: Docking, received_on: date, procedure: str, category: str = "") -> int:
    """Return the longest mediation in days.

    Until then a person may end the mediation before its term ends it.
    """
    return (term(channel, received_on, procedure, category) - BEFORE).days
