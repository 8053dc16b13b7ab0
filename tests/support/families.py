"""Which rules the table of each family of the law stands for; together all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COUNTY_ROWS: Final = frozenset({"petition_local", "met", "investigated", "fed_back", "concluded"})
"""Rows of the example of a county."""
SEEN_IN_A_COUNTY: Final = frozenset({"milestones_in_order"})
"""Values of the package that mean something only where a county has its own rows."""
EXCLUSIONS: Final = "screening.exclusions"
TERMS: Final = "deadlines.terms"
STATES: Final = "deadlines.states"
SIGN_OFF: Final = "deadlines.sign_off"
GROUNDS: Final = "screening.grounds"
EXTENSIONS: Final = "deadlines.extensions"
SECOND: Final = "deadlines.second_attempts"
FAMILIES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "court_before_filing": {
        GROUNDS: ("court_pre_filing",),
        TERMS: ("court_pre_filing",),
        SIGN_OFF: ("court",),
        STATES: ("failed", "suspended"),
    },
    "court_in_litigation": {
        TERMS: ("court_in_litigation_summary", "court_in_litigation_small_claims", "court_in_litigation")
    },
    "court_after_registration": {
        "screening.regimes": ("pre_filing", "after_registration"),
        GROUNDS: ("court_after_registration",),
        TERMS: ("court_summary", "court_small_claims", "court_ordinary"),
    },
    "confirmation": {
        "screening.confirmation_bars": ("status", "title", "special_procedures", "title_subject", "status_subject"),
        STATES: ("agreed", "jc_pending", "jc_confirmed", "jc_refused"),
    },
    "not_mediable": {
        EXCLUSIONS: (
            "special_procedure",
            "payment_order",
            "public_summons",
            "personal_status",
            "nature_of_case",
            "administrative_suit",
            "sham_suit",
            "litigation_pending",
            "administrative_dispute",
            "special_organ_only",
            "discipline_category",
            "law_and_litigation",
            "whistle_blowing_found",
        ),
        STATES: ("not_mediable",),
    },
    "police": {
        EXCLUSIONS: (
            "hired_attack",
            "gang_fight",
            "repeat_offence",
            "party_refuses",
            "new_offence",
            "suspect_fled",
            "domestic_violence",
            "criminal",
            "police_other_than_dispute",
            "noise_call",
        ),
        "screening": ("repeated_violence", "repeated_violence_clause"),
        GROUNDS: ("police",),
        TERMS: ("police_people", "police"),
        SIGN_OFF: ("police",),
    },
    "police_2026": {"screening.penalties": ("police_mediation", "other_mediation")},
    "traffic": {TERMS: ("police_traffic",), SECOND: ("police_traffic",)},
    "petition": {
        EXCLUSIONS: ("petition_whistle_blowing", "petition_suggestion", "handled_above", "review_concluded"),
        "screening": ("representatives", "representatives_clause"),
        GROUNDS: ("petition",),
        TERMS: ("petition", "petition_statutory", "petition_local"),
        SIGN_OFF: ("petition",),
        "deadlines.milestones": ("met", "investigated", "fed_back", "concluded"),
        "deadlines": ("milestones_in_order",),
    },
    "labour": {TERMS: ("labour",)},
    "own_channels": {
        GROUNDS: ("any_channel",),
        TERMS: ("any_channel",),
        SIGN_OFF: ("any_channel",),
    },
    "screening_waits": {
        "screening": ("consent_clause", "clarity_clause", "guardian_needed"),
        TERMS: ("court_screening", "police_screening", "petition_screening", "any_screening"),
    },
    "extensions": {
        EXTENSIONS: (
            "court_before_2025",
            "court_after_registration",
            "petition",
            "own_channels",
            "petition_statutory",
            "police_case",
        )
    },
    "second_attempts": {SECOND: ("police",)},
    "supervision": {
        STATES: ("accepted", "signed", "withdrawn", "follow_up", "tracking"),
        "deadlines": ("reminder_percent", "follow_up_days", "supervised_days", "escalated_days"),
    },
}
"""Family -> file, or file and section -> values, or rows."""
