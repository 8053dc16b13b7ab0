"""A suit as recorded by the court, and checks of its dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from bridge.record.facts import Matter, refuse_disorder, refuse_future
from dispute.calendar.days import business_day


@dataclass(frozen=True, slots=True)
class CourtCase:
    """One suit, handed over or not: all count in the diversion rate's denominator.

    Attributes:
        source_ref: 案号, the court's own reference.
        cause_code: 案由 code of the court's vocabulary.
        received_on: 收案日期; decides regime A or B, whenever the suit is sent to the hub.
        filed_on: 立案日期; None when not filed (regime A mediates before filing).
        amount_fen: 标的额 in fen; 0 when there is none.
        preserved_on: 诉前保全日期; a suit is due within 30 days of it (民诉法 104). None without a preservation.
    """

    source_ref: str
    suit_kind: str
    procedure: str
    cause_code: str
    received_on: date
    filed_on: date | None
    amount_fen: int
    matter: Matter
    preserved_on: date | None = None


def admitted(case: CourtCase, now: datetime) -> CourtCase:
    """Return the suit if its dates agree with each other and the clock.

    Raises:
        Rejected: `date_in_future` or `date_order`, naming the field.
    """
    days = {"court_received_on": case.received_on, "filed_on": case.filed_on, "preserved_on": case.preserved_on}
    handed_over_on = business_day(case.matter.handed_over_at)
    refuse_future(now, instants={}, days=days)
    refuse_disorder(case.received_on, case.filed_on, "filed_on")
    refuse_disorder(case.received_on, handed_over_on, "handed_over_at")
    refuse_disorder(case.preserved_on, handed_over_on, "preserved_on")
    return case
