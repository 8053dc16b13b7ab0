"""Words that a scenario file may use, and which facts of a record speak against mediation."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """The three docking channels (三调对接)."""

    COURT = "court"
    POLICE = "police"
    PETITION = "petition"


class Fate(StrEnum):
    """How a record ends that is accepted for mediation."""

    SETTLED = "settled"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    OPEN = "open"


SIDES: Final[dict[Channel, tuple[str, str]]] = {
    Channel.COURT: ("plaintiff", "defendant"),
    Channel.POLICE: ("applicant", "respondent"),
    Channel.PETITION: ("petitioner", "respondent"),
}
"""Roles of the two sides, first who brings the matter."""

OUTCOME_FORMS: Final = ("agreement", "mediation_statement", "withdrawn_after_settlement", "self_settled", "other")
FAILURE_REASONS: Final = ("refused", "unreachable", "deadlock", "sham", "unsigned", "renewed_violence", "fled")
WITHDRAWAL_REASONS: Final = ("applicant_withdrew", "other")
CONSENT_ANSWERS: Final = ("given", "refused", "not_asked", "unreachable")
CLARITY: Final = ("clear", "fairly_clear", "unclear")
PROCEDURES: Final = (
    "ordinary",
    "summary",
    "small_claims",
    "special",
    "payment_order",
    "public_summons",
    "bankruptcy",
)
SUIT_KINDS: Final = ("civil", "commercial", "administrative")
PURPOSES: Final = ("request", "suggestion")

EXCLUDED_PROCEDURES: Final = frozenset({"special", "payment_order", "public_summons", "bankruptcy"})
"""民诉解释(2022) 143: 特别程序、督促程序、公示催告程序; bankruptcy is no contentious procedure either."""

EXCLUDING_CIRCUMSTANCES: Final[dict[Channel, frozenset[str]]] = {
    Channel.COURT: frozenset({"status_confirmation"}),
    Channel.POLICE: frozenset({"hired_attack", "gang_fight", "repeat_offence", "fled"}),
    Channel.PETITION: frozenset({"litigation_pending", "administrative_dispute"}),
}
"""民诉解释(2022) 143 (status relations) · 办理行政案件程序规定 179 · 访调对接意见 2025 (涉法涉诉, administrative)."""

EXCLUDED_PURPOSES: Final = frozenset({"suggestion"})
"""条例 29-31: a suggestion is no dispute."""
