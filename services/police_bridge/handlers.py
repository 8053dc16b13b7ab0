"""Order of steps before an incident is admitted; called by the desk for each record."""

from __future__ import annotations

from datetime import datetime

from bridge.record.facts import Sender, check_matter
from services.police_bridge.domain.incident import PoliceIncident, check_times


def prepare(incident: PoliceIncident, sender: Sender, now: datetime) -> PoliceIncident:
    """Return the incident as it may leave the bridge: unchanged, once scope and times hold.

    Raises:
        Rejected: `county_out_of_scope`, `date_in_future`, `date_order`, `id_birth_date`.
    """
    check_matter(incident.matter, sender, now)
    check_times(incident, now)
    return incident
