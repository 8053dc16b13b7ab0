"""Matching: do two doors report the same matter? Keyed tokens instead of people (design D15, D16)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES


@dataclass(frozen=True, slots=True)
class Person:
    """What identifies one party: an identity number, else a phone."""

    role: str
    id_number: str
    phone: str


def match_token(secret: bytes, people: Iterable[Person], category: str) -> str:
    """Return the token of a matter: who against whom, about which kind of thing; empty when that is not known.

    The sides are put in an order of their own, because the plaintiff of a suit may be the respondent of a petition.
    Everybody on both sides has to be identified: half a match would merge strangers.

    Args:
        secret: Key `match`, which no other service has; with it a token can't be guessed from an identity number.
        people: Parties in any order; third parties and guardians do not make a matter.
        category: Dispute category, 2 or 4 digits; the first two decide, since sources differ in depth.
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
