"""An incident as recorded by the police, and checks of its times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bridge.record.checks import is_under
from bridge.record.facts import Matter, refuse_future
from dispute.calendar.days import business_day
from dispute.refusals.interfaces import DATE_ORDER

MINOR_PARTY: Final = "minor_party"
SIDES: Final = frozenset({"applicant", "respondent"})
FULL_AGE: Final = 18


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

    A side that is a minor by its citizen ID is a circumstance, whether the police named it or not.

    Raises:
        Rejected: `date_in_future` or `date_order`, naming the field.
    """
    refuse_future(now, instants={"called_at": incident.called_at}, days={})
    if incident.matter.handed_over_at < incident.called_at:
        raise DATE_ORDER.error(field="handed_over_at")
    return with_minors(incident)


def with_minors(incident: PoliceIncident) -> PoliceIncident:
    """Add the circumstance that a side is a minor on the day of the hand-over.

    Its guardian has to be there.

    Source:
        公安机关办理行政案件程序规定 (2019) art. 181.
    """
    matter = incident.matter
    day = business_day(matter.handed_over_at)
    minor = any(
        party.role in SIDES and party.id_type == "citizen_id" and is_under(FULL_AGE, party.id_number, day)
        for party in matter.confidential.parties
    )
    if not minor or MINOR_PARTY in matter.circumstances:
        return incident
    circumstances = tuple(sorted((*matter.circumstances, MINOR_PARTY)))
    return replace(incident, matter=replace(matter, circumstances=circumstances))
