"""A suit as recorded by the court, and checks of its dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bridge.record.facts import Matter, refuse_disorder, refuse_future
from dispute.calendar.days import business_day

BEFORE_FILING: Final = "before_filing"
_KIND: Final = re.compile(r"([民行])(?:诉前调|诉前|初|终|申|再|特|撤|保)")


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


def kind_of(case_number: str) -> str:
    """Return the kind of suit that a case number names; empty when it names none.

    Source:
        最高人民法院关于人民法院案件案号的若干规定 (法〔2015〕137号): 民 is civil, 行 administrative.
    """
    found = _KIND.search(case_number)
    return "" if found is None else {"民": "civil", "行": "administrative"}[found.group(1)]


def procedure_of(case_number: str) -> str:
    """Return `before_filing` of a number that a court gives before a suit is filed (诉前调); else empty."""
    return BEFORE_FILING if "诉前调" in case_number else ""


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
