"""Makes the marks by which records of one matter are found.

Keyed tokens stand for people and references, so that nobody's identity is stored for it.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from typing import Final

from msgspec import Struct

from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES
from services.intake.law.handoff import Arrival, Person

PAIRS_MOST: Final = 400
"""Pairs of one record. With more, only the first `SIDE_MOST` people of each side, in the order of their tokens, make
pairs: two records of the same people make the same ones."""
SIDE_MOST: Final = 20

_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9])[\W_]+(?=[0-9])")
_SIGNS: Final = re.compile(r"[^\w-]|_|(?<![0-9])-|-(?![0-9])")


class Marks(Struct, frozen=True, omit_defaults=True):
    """What of a record tells whether another is the same matter.

    Attributes:
        pairs: Tokens of each two people of opposite sides, ascending. Who claims does not count: the plaintiff of a
            suit may be the respondent of a petition. At least one.
        claiming: Tokens of the identified people who claim, ascending.
        answering: The same for those who answer.
        complete: Everybody on both sides is identified.
        town: Town code, 9 digits.
        category: 2 or 4 digits, or empty.
        received_on: Receipt by the source.
        subject: Token of the number of a contract, IOU or event; empty when it is not known.
        happened_on: Day of the event.
        village: Village code, 12 digits, or empty.
        cause: Code in the vocabulary of the channel, or empty.
        amount_fen: 0 when there is none, or it is not known.
        persons: People concerned, as the source counted; 0 when it did not.
    """

    pairs: tuple[str, ...]
    claiming: tuple[str, ...]
    answering: tuple[str, ...]
    complete: bool
    channel: str
    town: str
    category: str
    received_on: date
    subject: str = ""
    happened_on: date | None = None
    village: str = ""
    cause: str = ""
    amount_fen: int = 0
    persons: int = 0


def marks_of(secret: bytes, arrival: Arrival) -> Marks | None:
    """Return the marks of a case.

    None when a side has nobody who is identified: then nothing can be compared.

    Args:
        secret: Key `match`, which no other service has; with it a token can't be guessed from an identity number.
        arrival: The case; third parties and guardians do not count.
    """
    claiming, all_claim = _side(secret, arrival.people, CLAIMING_ROLES)
    answering, all_answer = _side(secret, arrival.people, ANSWERING_ROLES)
    pairs = _pairs(secret, claiming, answering)
    if not pairs:
        return None
    facts, place, subject = arrival.facts, arrival.dimensions, plain_reference(arrival.subject_ref)
    return Marks(
        pairs=pairs,
        claiming=claiming,
        answering=answering,
        complete=all_claim and all_answer,
        channel=facts.channel,
        town=place.town_code,
        category=facts.category,
        received_on=facts.received_on,
        subject=_token(secret, "subject", subject) if subject else "",
        happened_on=facts.happened_on,
        village=place.village_code,
        cause=facts.case_cause,
        amount_fen=arrival.amount_fen,
        persons=arrival.persons,
    )


def plain_reference(text: str) -> str:
    """Return what all spellings of a contract's number share.

    People copy it from paper: width, case, blanks, dashes and brackets differ. Between two digits a sign counts,
    because 2023-1-12 and 2023-11-2 are two contracts. Looser than `canonical_reference`, which ids are made of: this is
    only compared between the same two people, and only one reason among others.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    return _SIGNS.sub("", _BETWEEN_DIGITS.sub("-", plain))


def _side(secret: bytes, people: Iterable[Person], roles: frozenset[str]) -> tuple[tuple[str, ...], bool]:
    names = [person.id_number.strip().upper() or person.phone.strip() for person in people if person.role in roles]
    known = {_token(secret, "person", name) for name in names if name}
    return tuple(sorted(known)), bool(names) and all(names)


def _pairs(secret: bytes, claiming: tuple[str, ...], answering: tuple[str, ...]) -> tuple[str, ...]:
    if len(claiming) * len(answering) > PAIRS_MOST:
        claiming, answering = claiming[:SIDE_MOST], answering[:SIDE_MOST]
    # Nobody is in dispute with himself: a number that stands for "unknown" on both sides makes no pair.
    couples = {(min(one, other), max(one, other)) for one in claiming for other in answering if one != other}
    return tuple(sorted(_token(secret, "pair", one + other) for one, other in couples))


def _token(secret: bytes, kind: str, content: str) -> str:
    """Return 128 bits as hex.

    Far beyond what a province's records need, and half the size of the whole digest in every row and index.
    """
    return hmac.digest(secret, f"{kind}\x1f{content}".encode(), "sha256")[:16].hex()
