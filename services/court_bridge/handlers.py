"""Order of steps before a suit is admitted; called by the desk for each record."""

from __future__ import annotations

from datetime import datetime

from bridge.record.facts import Sender, check_matter
from services.court_bridge.domain.case import CourtCase, check_dates


def prepare(case: CourtCase, sender: Sender, now: datetime) -> CourtCase:
    """Return the suit as it may leave the bridge: unchanged, once scope and dates hold.

    Raises:
        Rejected: `county_out_of_scope`, `date_in_future`, `date_order`, `id_birth_date`.
    """
    check_matter(case.matter, sender, now)
    check_dates(case, now)
    return case
