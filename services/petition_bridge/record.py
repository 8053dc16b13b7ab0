"""A petition, its date checks, and its redaction when it accuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from bridge.record.facts import Confidential, Matter, refuse_disorder, refuse_future
from dispute.calendar.days import business_day

WHISTLE_BLOWING: Final = "whistle_blowing"
VISIT: Final = "visit"
PETITIONER: Final = "petitioner"


@dataclass(frozen=True, slots=True)
class Petition:
    """One petition.

    Attributes:
        source_ref: 信访件编号, the office's own reference.
        purpose: 信访目的.
        form: 信访形式.
        recurrence: 初信初访 or 重信重访.
        content_class: 内容分类, 6 digits.
    """

    source_ref: str
    registered_on: date
    purpose: str
    form: str
    recurrence: str
    content_class: str
    matter: Matter

    @property
    def accuses(self) -> bool:
        """Whether it is, or contains, an accusation (检举控告)."""
        return self.purpose == WHISTLE_BLOWING or WHISTLE_BLOWING in self.matter.circumstances

    @property
    def representatives(self) -> int:
        """Petitioners who came in person; 0 for any other form (信访工作条例 20)."""
        if self.form != VISIT:
            return 0
        return sum(party.role == PETITIONER for party in self.matter.confidential.parties)


def admitted(petition: Petition, now: datetime) -> Petition:
    """Return the petition as it may be sent.

    Its dates must agree with each other and the clock; an accusation is redacted.

    Raises:
        Rejected: `date_in_future` or `date_order`, naming the field.
    """
    refuse_future(now, instants={}, days={"registered_on": petition.registered_on})
    refuse_disorder(petition.registered_on, business_day(petition.matter.handed_over_at), "handed_over_at")
    return without_accusation(petition)


def without_accusation(petition: Petition) -> Petition:
    """Remove all that could identify from an accusation.

    People, brief, place, number of a contract and day of the event are removed; other petitions stay as they are. An
    accusation is counted and screened (and never mediated), but neither accuser nor accused may become known to anybody
    who handles disputes, so nothing about them leaves this process, not even sealed.

    Source:
        信访工作条例 (2022) art. 30.
    """
    if not petition.accuses:
        return petition
    # The headcount stays, because it is only a number; the parties that it may come from are removed.
    matter = replace(petition.matter, persons=petition.matter.headcount, confidential=Confidential(), happened_on=None)
    return replace(petition, matter=matter)
