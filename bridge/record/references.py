"""The rule for an agency's reference.

What is accepted, which spellings mean the same reference, and what the dispute's id is made of (ADR-0011). Used by the
DTOs for new records, by the requests for later facts and look-ups, by the schema's history and by recovery.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from bridge.tables import receipt, reference_alias
from dispute.lifecycle.identity import canonical_reference, dispute_id_of
from dispute.refusals.interfaces import REFERENCE_FORMAT
from hub.refusals import TOO_LONG

LIMIT: Final = 64
"""Characters of a reference, as written and in its canonical form."""

_URL_SIGNS: Final = re.compile(r"[\s?#%\\\"'<>&;|`]")
"""Characters with a meaning in a URL, and blanks."""
_REWRITTEN: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")
"""Segments that clients and proxies remove from a path before they send it: `.`, `..` and empty ones."""
_AT_ONCE: Final = 500
"""Ids of one query; SQLite bounds the parameters of a statement."""


def check_new(text: str) -> str:
    """Return the reference of a new record, as written.

    Raises:
        Rejected: `too_long`; `reference_format`: a look-up with it as sent would fail.
    """
    canonical = canonical_reference(check_known(text))
    if _URL_SIGNS.search(canonical) or _REWRITTEN.search(canonical):
        raise REFERENCE_FORMAT.error()
    return text


def check_known(text: str) -> str:
    """Return the reference of an earlier record, as written.

    A reference that any earlier release accepted is still allowed.

    Raises:
        Rejected: `too_long`; `reference_format`: nothing with this name was ever accepted.
    """
    canonical = canonical_reference(text)
    if max(len(text), len(canonical)) > LIMIT:
        raise TOO_LONG.error(why=f"≤ {LIMIT}")
    if not canonical or not canonical.isprintable():
        raise REFERENCE_FORMAT.error()
    return text


class References:
    """Finds the reference that a dispute's id is made of.

    Any spelling of the reference may be given.

    Args:
        aliases: As `load` returns them; fixed while the bridge runs.
    """

    def __init__(self, aliases: Mapping[tuple[str, str], str]) -> None:
        self._aliases = aliases

    def identity(self, agency: str, text: str) -> str:
        """Return the reference that the dispute's id needs.

        The dispute exists, or is new.
        """
        canonical = canonical_reference(text)
        if not self._aliases:
            return canonical
        composed = unicodedata.normalize("NFC", text)
        return self._aliases.get((agency, composed)) or self._aliases.get((agency, canonical)) or canonical

    def dispute_of(self, agency: str, text: str) -> str:
        """Return the dispute's id, whether it exists or not.

        Raises:
            Rejected: As `check_known`.
        """
        return dispute_id_of(agency, self.identity(agency, check_known(text)))


def load(tx: sa.Connection) -> dict[tuple[str, str], str]:
    """Return the aliases of references.

    Agency and spelling -> reference that the id is made of.
    """
    return {(row.agency, row.spelling): row.reference for row in tx.execute(sa.select(reference_alias))}


def fill(tx: sa.Connection) -> None:
    """Write the old spellings of references anew.

    Earlier releases made ids of these spellings. A record keeps the id of the very spelling that it came with. Where
    several spellings of one number got ids of their own, any further spelling goes to the record in canonical form,
    else to the one accepted first.
    """
    odd = sorted(_odd(tx))
    canonical_ids = {dispute_id_of(one.agency, canonical_reference(one.reference)) for one in odd}
    plain = set(_existing(tx, sorted(canonical_ids)))
    spellings: dict[tuple[str, str], str] = {}
    for one in odd:
        spellings[one.agency, one.reference] = one.reference
        canonical = canonical_reference(one.reference)
        if dispute_id_of(one.agency, canonical) not in plain:
            spellings.setdefault((one.agency, canonical), one.reference)
    tx.execute(sa.delete(reference_alias))
    rows = [
        {"agency": agency, "spelling": spelling, "reference": reference}
        for (agency, spelling), reference in spellings.items()
    ]
    if rows:
        tx.execute(sa.insert(reference_alias), rows)


class _Odd(NamedTuple):
    """A record whose id is not of the canonical spelling.

    Sorts by acceptance.
    """

    accepted_at: int
    agency: str
    reference: str


def _odd(tx: sa.Connection) -> Iterator[_Odd]:
    c = receipt.c
    for row in tx.execute(sa.select(c.agency, c.source_ref, c.case_of, c.accepted_at).where(c.case_of.is_not(None))):
        written = row.source_ref
        if canonical_reference(written) != written and row.case_of == dispute_id_of(row.agency, written):
            yield _Odd(row.accepted_at, row.agency, written)


def _existing(tx: sa.Connection, disputes: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(disputes), _AT_ONCE):
        some = disputes[start : start + _AT_ONCE]
        yield from tx.scalars(sa.select(receipt.c.case_of).where(receipt.c.case_of.in_(some)))
