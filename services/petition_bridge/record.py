"""A petition, its date checks, and the sealing of what accuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from bridge.record.facts import Matter, refuse_disorder, refuse_future
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
        flagged = WHISTLE_BLOWING in self.matter.circumstances or self.matter.confidential.accusation != ""
        return flagged or self.purpose == WHISTLE_BLOWING

    @property
    def representatives(self) -> int:
        """Petitioners who came in person; 0 for any other form (信访工作条例 20)."""
        if self.form != VISIT:
            return 0
        return sum(party.role == PETITIONER for party in self.matter.confidential.parties)


def admitted(petition: Petition, now: datetime) -> Petition:
    """Return the petition as it may be sent.

    Its dates must agree with each other and the clock; an accusation travels sealed.

    Raises:
        Rejected: `date_in_future` or `date_order`, naming the field.
    """
    refuse_future(now, instants={}, days={"registered_on": petition.registered_on})
    refuse_disorder(petition.registered_on, business_day(petition.matter.handed_over_at), "handed_over_at")
    return seal_accusation(petition)


def seal_accusation(petition: Petition) -> Petition:
    """Return the petition with its accusation among what travels sealed.

    When the petition accuses and asks for nothing, nothing but codes and the headcount travels in clear. When it asks
    for something too, it travels on as an ordinary petition: nothing in clear says that it also accuses. Its accusation
    is what the office wrote apart; where it wrote nothing apart, the whole brief. A circumstance without any text stays
    in clear, so that it is not lost.

    Source:
        信访工作条例 (2022) art. 30.
    """
    matter, content = petition.matter, petition.matter.confidential
    if not petition.accuses:
        return petition
    if petition.purpose == WHISTLE_BLOWING:
        sealed = replace(content, happened_on=matter.happened_on)
        return replace(petition, matter=replace(matter, confidential=sealed, happened_on=None))
    if not content.accusation:
        content = replace(content, brief="", accusation=content.brief)
    if not content.accusation:
        return petition
    circumstances = tuple(code for code in matter.circumstances if code != WHISTLE_BLOWING)
    return replace(petition, matter=replace(matter, confidential=content, circumstances=circumstances))
