"""An incident as recorded by the police, and checks of its times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.record.facts import Matter, refuse_future
from dispute.refusals.interfaces import DATE_ORDER


@dataclass(frozen=True, slots=True)
class PoliceIncident:
    """One incident.

    Attributes:
        source_ref: 警情编号, the police's own reference.
        called_at: 接警时间, UTC.
        class_as_called: 接警类别.
        class_as_found: 反馈类别; empty when nobody has been there yet.
    """

    source_ref: str
    called_at: datetime
    class_as_called: str
    class_as_found: str
    matter: Matter

    @property
    def police_class(self) -> str:
        """The class that counts: as found (反馈类别), else as called."""
        return self.class_as_found or self.class_as_called


def admitted(incident: PoliceIncident, now: datetime) -> PoliceIncident:
    """Return the incident if its times agree with each other and the clock.

    Raises:
        Rejected: `date_in_future` or `date_order`, naming the field.
    """
    refuse_future(now, instants={"called_at": incident.called_at}, days={})
    if incident.matter.handed_over_at < incident.called_at:
        raise DATE_ORDER.error(field="handed_over_at")
    return incident
