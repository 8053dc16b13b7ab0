"""Words that a scenario file may use.

It also lists the facts of a record that exclude mediation.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Docking(StrEnum):
    """The three docking channels (三调对接)."""

    COURT = "court"
    POLICE = "police"
    PETITION = "petition"


class Fate(StrEnum):
    """How an accepted record ends."""

    SETTLED = "settled"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    OPEN = "open"


SIDES: Final[dict[Docking, tuple[str, str]]] = {
    Docking.COURT: ("plaintiff", "defendant"),
    Docking.POLICE: ("applicant", "respondent"),
    Docking.PETITION: ("petitioner", "respondent"),
}
"""Roles of the two sides; first the side that brings the matter."""

OUTCOME_FORMS: Final = ("agreement", "mediation_statement", "withdrawn_after_settlement", "self_settled", "other")
FAILURE_REASONS: Final = ("refused", "unreachable", "deadlock", "sham", "unsigned", "renewed_violence", "fled")
WITHDRAWAL_REASONS: Final = ("applicant_withdrew", "other")
CONSENT_ANSWERS: Final = ("given", "refused", "not_asked", "unreachable")
NO_CONSENT: Final = frozenset({"refused", "unreachable"})
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

EXCLUDED_PROCEDURES: Final = frozenset({"special", "payment_order", "public_summons"})
"""民诉解释(2022) 143: 特别程序、督促程序、公示催告程序. A bankruptcy bars only a confirmation (355)."""

EVERYWHERE: Final = frozenset(
    {
        "nature_excludes",
        "public_interest",
        "suspected_sham",
        "repeated_domestic_violence",
        "criminal",
        "serious_injury",
        "weapon",
        "whistle_blowing",
        "special_organ_only",
    }
)
EXCLUDING_CIRCUMSTANCES: Final[dict[Docking, frozenset[str]]] = {
    Docking.COURT: frozenset({"status_confirmation", "marriage_validity", "parentage", "adoption_status"}) | EVERYWHERE,
    Docking.POLICE: frozenset(
        {
            "hired_attack",
            "gang_fight",
            "provocation",
            "repeat_offence",
            "party_refuses",
            "new_offence",
            "fled",
            "administrative_dispute",
        }
    )
    | EVERYWHERE,
    Docking.PETITION: frozenset(
        {"litigation_pending", "law_and_litigation", "administrative_dispute", "handled_above", "review_concluded"}
    )
    | EVERYWHERE,
}
"""民诉解释(2022) 143 (status relations) · 办理行政案件程序规定 179 · 访调对接意见 2025 (涉法涉诉, administrative)."""

LIFTED: Final = "administrative_dispute"
LIFTING: Final = frozenset({"compensation", "discretion"})
"""行政诉讼法 60: an administrative dispute about compensation or discretion may be mediated."""

GUARDIAN_NEEDED: Final = frozenset({"minor_party", "minor_victim"})
"""A scenario has no guardian who could consent, so a record about a minor is not accepted."""

EXCLUDED_CATEGORIES: Final = ("14", "15")
"""条例 28, 30: a petition of these goes to the judicial organs, or to discipline inspection."""

EXCLUDED_PURPOSES: Final = frozenset({"suggestion"})
"""条例 29-31: a suggestion is no dispute."""
