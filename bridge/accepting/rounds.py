"""Judges whether a record may be handed over once more.

The next round of a record is taken after the final result of the one before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import sqlalchemy as sa

from bridge.record.facts import Receipt
from bridge.tables import result
from dispute.refusals.commands import ROUND_NOT_NEXT, ROUND_NOT_OVER
from hub.errors import Refusal
from hub.store.store import Transaction

_FINALS: Final = sa.select(result.c.opening).where(
    result.c.agency == sa.bindparam("of_agency"),
    result.c.source_ref == sa.bindparam("of_reference"),
    result.c.dispute_id == sa.bindparam("of_dispute"),
    result.c.final,
    result.c.superseded_by == 0,
)


class SeenReceipt(NamedTuple):
    """A receipt that the unit knows.

    A row of the store, or an index among the new ones.

    Attributes:
        opening: Last known opening of the record's round; None until intake began it, and for later facts.
    """

    dispute_id: str
    content_sha256: bytes
    agency: str
    source_ref: str
    opening: int | None = None
    stored: Receipt | None = None
    new: int = -1


def refusal_of(tx: Transaction, number: int, rounds: Mapping[int, SeenReceipt]) -> Refusal | None:
    """Return why a round of a record that is new may not be taken; None when it may.

    Refusals: `round_not_next`, `round_not_over`.

    Args:
        tx: Reads the results.
        number: Of the round; it has no receipt yet.
        rounds: Receipts of the record, by round.
    """
    if number != len(rounds) + 1:
        return ROUND_NOT_NEXT.refusal()
    if number == 1:
        return None
    return None if _is_over(tx, rounds[1], rounds[number - 1]) else ROUND_NOT_OVER.refusal()


def _is_over(tx: Transaction, first: SeenReceipt, before: SeenReceipt) -> bool:
    """Tell whether the final result of a round stands.

    Args:
        tx: Reads the results.
        first: Of the first round, whose reference the results bear.
        before: Of the round.
    """
    of = {"of_agency": first.agency, "of_reference": first.source_ref, "of_dispute": first.dispute_id}
    # An earlier release did not keep the opening of a result: 0 is the first.
    return before.opening in {opening or 1 for opening in tx.scalars(_FINALS, of)}
