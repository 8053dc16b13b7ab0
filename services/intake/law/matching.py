"""Finds reports of the same matter.

Compares keyed tokens instead of people, so that nobody's identity is stored for it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES
from services.intake.law.handoff import Person


def match_token(secret: bytes, people: Iterable[Person], category: str) -> str:
    """Return the token of a matter.

    A matter is who against whom, about which kind of thing. Empty when that is not known. The two sides are sorted,
    because the plaintiff of a suit may be the respondent of a petition. Everybody on both sides has to be identified:
    half a match would merge strangers.

    Args:
        secret: Key `match`, which no other service has; with it a token can't be guessed from an identity number.
        people: Parties in any order; third parties and guardians do not count.
        category: Dispute category, 2 or 4 digits; only the first two count, since some sources send only two.
    """
    known = tuple(people)
    sides = [_side(known, roles) for roles in (CLAIMING_ROLES, ANSWERING_ROLES)]
    if not category or not all(sides):
        return ""
    matter = "|".join([category[:2], *sorted(sides)])
    return hmac.digest(secret, matter.encode(), "sha256").hex()


def _side(people: Iterable[Person], roles: frozenset[str]) -> str:
    marks = [person.id_number.strip().upper() or person.phone.strip() for person in people if person.role in roles]
    return "" if not all(marks) else ",".join(sorted(set(marks)))
