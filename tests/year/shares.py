"""How often what happens in a county: the seeds' shares where one says so, our guess elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHANNELS: Final = {
    "court": 50,
    "police": 26,
    "petition": 9,
    "window": 4,
    "hotline": 5,
    "grid": 3,
    "app": 2,
    "department": 0.5,
    "self": 0.5,
}
"""Of all records. Petitions and the centre's own channels come more often than in the seeds, to be seen at all."""
TOWNS: Final = ("101", "102", "105", "103", "104", "106", "203", "204")
"""By size; the seat of the county has 45 %, the others follow Zipf's law."""
TOWN_WEIGHTS: Final = (45, *(55 / 2.45 / rank for rank in range(2, 9)))
SUCCESS: Final = (0.62, 0.7, 0.78, 0.85, 0.9, 0.95, 0.55, 0.8)
"""Settled of what is mediated, by town."""
CATEGORIES: Final[Mapping[str, Mapping[str, float]]] = {
    "court": {"08": 32, "01": 16, "06": 14, "04": 11, "07": 9, "0503": 8, "09": 4, "13": 1.5, "02": 4.5},
    "police": {"01": 28, "02": 16, "07": 8, "06": 8, "05": 12, "0503": 10, "10": 18},
    "petition": {"07": 30, "09": 30, "04": 20, "11": 10, "12": 10},
    "own": {"02": 35, "07": 20, "06": 20, "09": 15, "01": 10},
}
CAUSES: Final = {"01": "11.2", "04": "30", "05": "25", "06": "10", "07": "17", "08": "10.103", "09": "58"}
PROCEDURES: Final = {"ordinary": 60, "summary": 25, "small_claims": 15}
UNMEDIABLE: Final = ("special", "payment_order", "public_summons")

ENTRY: Final[Mapping[str, Mapping[str, float]]] = {
    "court": {"accepted": 66, "waits": 16, "refused": 10, "excluded": 4, "unreachable": 2.5, "unclear": 1.5},
    "police": {"accepted": 48, "waits": 14, "refused": 8, "excluded": 7, "other_class": 9, "noise": 14},
    "petition": {"accepted": 46, "waits": 20, "refused": 4, "excluded": 30},
    "own": {"accepted": 84, "waits": 10, "refused": 4, "excluded": 2},
}
"""What the facts of a record say at its receipt. Of what is not diverted, refusals are 55 %, exclusions 20 %."""
EXCLUDING: Final = {
    "court": ("special_procedure", "suspected_sham", "status_confirmation", "administrative"),
    "police": ("gang_fight", "repeat_offence", "fled", "criminal", "hired_attack"),
    "petition": ("whistle_blowing", "law_and_litigation", "suggestion", "handled_above"),
    "own": ("litigation_pending", "special_organ_only", "whistle_blowing"),
}
WAITS: Final = {"completed": 66, "late": 12, "refused": 8, "silent": 14}
"""What comes of a case that lacks something."""

MISLAID: Final = {"prompt": 84, "late_dispatch": 4, "bounced": 5, "unsigned": 4, "late_signature": 3}
"""How a dispatch goes."""
FATES: Final = {"failed": 46, "expired": 22, "late_agreement": 14, "withdrawn": 12, "refused": 6}
"""What comes of a mediation that does not simply succeed; late agreements are written after their alarm, often."""
FORMS: Final = {"agreement": 80, "self_settled": 8, "other": 6, "oral": 6}

TWIN_SUIT: Final = 0.08
"""Police disputes that become suits."""
TWIN_HOTLINE: Final = 0.15
"""Petitions that are also told to the hotline."""
REPEAT_PETITION: Final = 0.25
RESENT: Final = 0.015
FREQUENT: Final = 0.3
"""Sides that are one of the tenth of the people who quarrel often."""
TOP_PLAINTIFFS: Final = 0.3
GROUP: Final = 0.04
SURE: Final = 0.6
"""Second records of a matter that name the same event or contract; the others are only proposed."""

PAUSED, ESCALATED, EXTENDED, COLOURED, CORRECTED = 0.05, 0.03, 0.08, 0.05, 0.05
ROUND_AGAIN, SOURCE_WITHDRAWS, SECOND_ATTEMPT = 0.25, 0.04, 0.15
CONFIRMED, CONFIRMATION_REFUSED, PERFORMED, RELAPSE = 0.3, 0.15, 0.9, 0.04
LATE_PAPER, FOLLOWED_UP, MISTAKEN_LINK, SUED_ELSEWHERE = 0.08, 0.7, 0.05, 0.1
