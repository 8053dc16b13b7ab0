"""Makes the marks by which records of one matter are found.

Keyed tokens stand for people and references, so that nobody's identity is stored for it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache, cached_property
from typing import Final

from msgspec import Struct, msgpack
from msgspec.structs import replace

from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES
from services.intake.law.handoff import Arrival, Person

HALF: Final = 16
"""Hex digits of each person's token in the token of a pair: 64 bits only find records, whole tokens compare them."""
PAIRS_MOST: Final = 400
"""Pair tokens of one record. With more, people are known by their number alone where they have one; with still more,
only the first `SIDE_MOST` people of each side make pairs: two records of the same people make the same ones."""
SIDE_MOST: Final = 20

_pack: Final = msgpack.Encoder().encode
_BETWEEN_DIGITS: Final = re.compile(r"(?<=[0-9])[\W_]+(?=[0-9])")
_SIGNS: Final = re.compile(r"[^\w-]|_|(?<![0-9])-|-(?![0-9])")


class PersonMark(Struct, frozen=True, order=True, array_like=True):
    """One person as tokens; at least one of them is known.

    Attributes:
        number: Token of the identity number, or empty.
        phone: Token of the phone, or empty.
    """

    number: str = ""
    phone: str = ""


NOBODY: Final = PersonMark()
"""Mark of somebody who is not identified."""
Tokens = Callable[[str, str], str]
"""Makes a token of a kind and a content."""
Side = tuple[PersonMark, ...]
"""The identified people of one side, ascending."""


class Marks(Struct, frozen=True, omit_defaults=True, dict=True):
    """What of a record tells whether another is the same matter.

    Attributes:
        claiming: The identified people who claim, ascending.
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

    claiming: Side
    answering: Side
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

    @cached_property
    def pairs(self) -> tuple[str, ...]:
        """Tokens of each two people of opposite sides, ascending.

        One for each combination of number and phone that is known of them, because one source knows the phone and
        another the number. Who claims does not count: the plaintiff of a suit may be the respondent of a petition.
        """
        sides = [_tokens(self.claiming), _tokens(self.answering)]
        if len(sides[0]) * len(sides[1]) > PAIRS_MOST:
            sides = [sorted(each.number or each.phone for each in side) for side in (self.claiming, self.answering)]
        if len(sides[0]) * len(sides[1]) > PAIRS_MOST:
            sides = [side[:SIDE_MOST] for side in sides]
        # Nobody is in dispute with himself: a number that stands for "unknown" on both sides makes no pair.
        couples = {(one, other) if one < other else (other, one) for one in sides[0] for other in sides[1]}
        return tuple(sorted({one[:HALF] + other[:HALF] for one, other in couples if one != other}))


_unpack: Final = msgpack.Decoder(Marks).decode


def marks_to_bytes(marks: Marks) -> bytes:
    """Return marks as they are stored."""
    return _pack(marks)


def marks_from_bytes(stored: bytes) -> Marks:
    """Return stored marks."""
    return _unpack(stored)


def marks_of(secret: bytes, arrival: Arrival) -> Marks | None:
    """Return the marks of a case.

    None when a side has nobody who is identified: then nothing can be compared.

    Args:
        secret: Key `match`, which no other service has; with it a token can't be guessed from an identity number.
        arrival: The case; third parties and guardians do not count.
    """
    token = _tokens_by(secret)
    claiming, all_claim = _side(token, arrival.people, CLAIMING_ROLES)
    answering, all_answer = _side(token, arrival.people, ANSWERING_ROLES)
    facts, place, subject = arrival.facts, arrival.dimensions, plain_reference(arrival.subject_ref)
    marks = Marks(
        claiming=claiming,
        answering=answering,
        complete=all_claim and all_answer,
        channel=facts.channel,
        town=place.town_code,
        category=facts.category,
        received_on=facts.received_on,
        subject=token("subject", subject) if subject else "",
        happened_on=facts.happened_on,
        village=place.village_code,
        cause=facts.case_cause,
        amount_fen=arrival.amount_fen,
        persons=arrival.persons,
    )
    return marks if marks.pairs else None


def marks_without(secret: bytes, marks: Marks, person: Person) -> Marks | None:
    """Return marks without a person; None when a side has nobody left who is identified.

    Args:
        secret: Key `match`, which made them.
        marks: Of a record.
        person: Whoever is to be forgotten.
    """
    mark = _mark(_tokens_by(secret), person)
    claiming, answering = (tuple(each for each in side if each != mark) for side in (marks.claiming, marks.answering))
    left = replace(marks, claiming=claiming, answering=answering, complete=False)
    return left if left.pairs else None


def plain_reference(text: str) -> str:
    """Return what all spellings of a contract's number share.

    People copy it from paper: width, case, blanks, dashes and brackets differ. Between two digits a sign counts,
    because 2023-1-12 and 2023-11-2 are two contracts. Looser than `canonical_reference`, which ids are made of: this is
    only compared between the same two people, and only one reason among others.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    return _SIGNS.sub("", _BETWEEN_DIGITS.sub("-", plain))


def shared_people(one: Side, other: Side) -> Side:
    """Return the people of a side who are on the other side too.

    Whoever has another identity number is somebody else, also with the same phone: families share one.
    """
    numbers = {person.number for person in other if person.number}
    phones = {person.phone for person in other if person.phone}
    unnumbered = {person.phone for person in other if person.phone and not person.number}
    return tuple(
        person
        for person in one
        if (person.number and person.number in numbers)
        or (person.phone and person.phone in (unnumbered if person.number else phones))
    )


def same_people(one: Side, other: Side) -> bool:
    """Tell whether two sides are the same people."""
    if one == other:
        return True
    if len(one) != len(other):
        return False
    return len(shared_people(one, other)) == len(one) and len(shared_people(other, one)) == len(other)


def _side(token: Tokens, people: Iterable[Person], roles: frozenset[str]) -> tuple[Side, bool]:
    """Return a side, and whether everybody on it is identified."""
    named = [_mark(token, person) for person in people if person.role in roles]
    known = {mark for mark in named if mark != NOBODY}
    return tuple(sorted(known)), bool(named) and NOBODY not in named


def _mark(token: Tokens, person: Person) -> PersonMark:
    number, phone = person.id_number.strip().upper(), person.phone.strip()
    return PersonMark(token("person", number) if number else "", token("person", phone) if phone else "")


def _tokens(side: Side) -> list[str]:
    return [token for person in side for token in (person.number, person.phone) if token]


@cache
def _tokens_by(secret: bytes) -> Tokens:
    """Return what makes a token of a kind and a content: 128 bits as hex.

    Far beyond what a province's records need, and half the size of a whole digest in every row and index. Keyed BLAKE2b
    (RFC 7693) is a MAC like HMAC at less than half its cost; a record needs about ten.
    """
    keyed = hashlib.blake2b(key=secret, digest_size=16)

    def token(kind: str, content: str) -> str:
        its = keyed.copy()
        its.update(f"{kind}\x1f{content}".encode())
        return its.hexdigest()

    return token
