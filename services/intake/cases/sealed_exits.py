"""Keeps accusations sealed until the discipline inspection body fetches them.

They have a key of their own, `discipline`, and stand apart from the disputes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct

from dispute.lifecycle import ReferTarget
from hub.store.instants import from_micros, to_micros
from hub.store.prepared import PreparedStatement, insert_into
from hub.store.store import Transaction
from services.intake.cases.ports import Accusation
from services.intake.cases.tables import sealed_exit
from services.intake.cases.vault import Vault

PURPOSE: Final = b"santiao.hub/intake/sealed-exit/v1|"
ID_BYTES: Final = 16
_LISTED: Final = ("exit_id", "organ", "received_at", "target", "fetched_at")


class SealedExit(Struct, frozen=True):
    """What may be shown of an exit: no content, no people, no dispute.

    Attributes:
        organ: Who took the accusation up.
        received_at: When it was sealed.
        fetched_at: None while it waits.
    """

    exit_id: str
    organ: str
    received_at: datetime
    target: str
    fetched_at: datetime | None


class SealedExits:
    """Seals accusations and keeps them.

    Args:
        secret: Key `discipline`.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._vault = Vault(secret)

    def id_of(self, handoff_id: str) -> str:
        """Return the id of an exit: the same for each repeat, and no way back to the record without the key."""
        mac = hmac.digest(self._secret, PURPOSE + handoff_id.encode(), "sha256")
        return str(UUID(bytes=mac[:ID_BYTES]))

    def keep(self, tx: Transaction, accusations: Iterable[Accusation], received_at: datetime) -> None:
        """Seal and store; what is there already stays as it is, fetched or not."""
        at, rows = to_micros(received_at), []
        for each in accusations:
            exit_id = self.id_of(each.handoff_id)
            sealed = self._vault.seal(exit_id, each.organ, each.content)
            target = ReferTarget.DISCIPLINE_INSPECTION.value
            rows.append((exit_id, each.organ, at, target, sealed.wrapped_key, sealed.nonce, sealed.ciphertext, None))
        if rows:
            _insert(tx.dialect.name).run(tx, rows)


def exits_after(tx: Transaction, exit_id: str, limit: int, *, waiting_only: bool) -> list[SealedExit]:
    """Return exits in ascending order of id, after one id."""
    query = sa.select(*(sealed_exit.c[name] for name in _LISTED)).where(sealed_exit.c.exit_id > exit_id)
    if waiting_only:
        query = query.where(sealed_exit.c.fetched_at.is_(None))
    rows = tx.execute(query.order_by(sealed_exit.c.exit_id).limit(limit))
    return [
        SealedExit(
            row.exit_id,
            row.organ,
            from_micros(row.received_at),
            row.target,
            None if row.fetched_at is None else from_micros(row.fetched_at),
        )
        for row in rows
    ]


@cache
def _insert(dialect: str) -> PreparedStatement:
    statement = insert_into(dialect, sealed_exit).on_conflict_do_nothing()
    return PreparedStatement(dialect, statement, *(column.key for column in sealed_exit.columns))
