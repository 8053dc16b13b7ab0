"""Codes that the bridges accept.

Their OpenAPI pages list them; the bridges refuse any other code with 422.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ops.play.scenarios.vocabulary import Docking

CATEGORIES: Final = (*(f"{number:02d}" for number in range(1, 17)), "99")
"""纠纷类别; a sub-category adds two digits."""

IN_EVERY_CHANNEL: Final = (
    "minor_party",
    "minor_victim",
    "compensation",
    "discretion",
    "special_organ_only",
    "domestic_violence",
    "repeated_domestic_violence",
    "violence_threat",
    "public_interest",
)
CIRCUMSTANCES: Final[dict[Docking, tuple[str, ...]]] = {
    Docking.COURT: (
        "status_confirmation",
        "marriage_validity",
        "parentage",
        "adoption_status",
        "nature_excludes",
        "divorce",
        "title_confirmation",
        "preservation_taken",
        "suspected_sham",
        *IN_EVERY_CHANNEL,
    ),
    Docking.POLICE: (
        "hired_attack",
        "gang_fight",
        "provocation",
        "repeat_offence",
        "party_refuses",
        "new_offence",
        "fled",
        "not_a_violation",
        "criminal",
        "serious_injury",
        "weapon",
        "traffic_damage",
        "administrative_dispute",
        *IN_EVERY_CHANNEL,
    ),
    Docking.PETITION: (
        "litigation_pending",
        "law_and_litigation",
        "administrative_dispute",
        "whistle_blowing",
        "handled_above",
        "review_concluded",
        *IN_EVERY_CHANNEL,
    ),
}


def known(code: str, codes: Collection[str], field: str = "") -> str:
    """Check that a code is known, and return it.

    Raises:
        ValueError: It is not one of `codes`; the text begins with the field's name if one is given.
    """
    if code not in codes:
        raise ValueError(f"{field}{': ' if field else ''}unknown code `{code}`; known are {', '.join(codes)}")
    return code


def known_category(code: str) -> str:
    """Check a category code, and return it.

    It has 2 digits, or 4 digits that begin with a category of 2.

    Raises:
        ValueError: There is no such category.
    """
    if not (code.isascii() and code.isdigit() and len(code) in {2, 4} and code[:2] in CATEGORIES):
        raise ValueError(f"unknown code `{code}`; known are {', '.join(CATEGORIES)}, and 4 digits that begin so")
    return code
