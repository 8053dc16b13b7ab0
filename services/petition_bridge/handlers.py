"""Order of steps before a petition is admitted; called by the desk for each record."""

from __future__ import annotations

from datetime import datetime

from bridge.record.facts import Sender, check_matter
from services.petition_bridge.domain.petition import Petition, check_dates, without_accusation


def prepare(petition: Petition, sender: Sender, now: datetime) -> Petition:
    """Return the petition as it may leave the bridge, once scope and dates hold.

    Raises:
        Rejected: `county_out_of_scope`, `date_in_future`, `date_order`, `id_birth_date`.
    """
    check_matter(petition.matter, sender, now)
    check_dates(petition, now)
    return without_accusation(petition)
