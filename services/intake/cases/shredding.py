"""Forgets a party of a dispute (个人信息保护法 47): what the register has of it, and for good its keys (ADR-0019).

The register's part is one transaction, which also notes what has to be destroyed; the keys are destroyed after it, and
again whenever a note is found whose keys are still there: a crash in between, another host, a folder of keys that came
back from a copy.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
import structlog
from msgspec import Struct
from typing_extensions import override

from dispute.contracts.sealing import TEXT, whole_of
from dispute.refusals.interfaces import SECOND_PERSON_MISSING, UNKNOWN_PARTY
from dispute.wire.handoff.v1 import handoff_pb2
from hub.access.verifier import Caller
from hub.errors import Retryable
from hub.refusals import KEYS_NOT_WRITABLE
from hub.runtime.periodic import Periodic
from hub.store.instants import to_micros
from hub.store.store import Store, Transaction
from services.intake.cases.own_events import events_of
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.ports import Case, DisputeRegister
from services.intake.cases.rights import Approval
from services.intake.cases.tables import confidential, dispute, forgotten_party, match_pair
from services.intake.law.handoff import Person
from services.intake.law.marks import Marks, marks_from_bytes, marks_to_bytes

Unmark = Callable[[Marks, Person], Marks | None]
"""Returns marks without a person; holds the key (`law.marks.marks_without`)."""
EVERY_S: Final = 60.0
_log = structlog.stdlib.get_logger(__name__)


class ShreddingRequest(Struct, frozen=True):
    """Which party is to be forgotten.

    Attributes:
        dispute_id: Dispute.
        party: Number in the order of the source, from 1.
        ground: Why, by the table.
    """

    dispute_id: str
    party: int
    ground: str

    @property
    def digest(self) -> str:
        """Names it in an approval: SHA-256, hex."""
        return hashlib.sha256(f"shred\x1f{self.dispute_id}\x1f{self.party}\x1f{self.ground}".encode()).hexdigest()


class ShreddingResult(Struct, frozen=True):
    """What was done.

    Attributes:
        approved_by: Pseudonym of the other person; empty when it had been done before.
        repeated: It had been done before.
        sealed_whole: An earlier release sealed this dispute as one: copies made then can still be read with its key.
    """

    approved_by: str = ""
    repeated: bool = False
    sealed_whole: bool = False


def approve_shredding(register: DisputeRegister, case: Case, caller: Caller, asked: ShreddingRequest) -> None:
    """Keep that another person approved of it."""
    approval = Approval(case.dispute.sequence, asked.digest, caller.holder, caller.role)
    register.approve({asked.dispute_id: approval})


def parts_at(tx: Transaction, vault: PartyVault, asked: ShreddingRequest) -> tuple[sa.Row[Any], list[bytes | None]]:
    """Return the row of a dispute's people and its parts, among them the one that is asked for.

    Raises:
        Rejected: `unknown_party`, `cannot_open`.
    """
    row = tx.execute(sa.select(confidential).where(confidential.c.dispute_id == asked.dispute_id)).one_or_none()
    parts = [] if row is None else list(vault.open(row))
    if row is None or not 1 <= asked.party < len(parts):
        raise UNKNOWN_PARTY.error()
    return row, parts


def forget(
    tx: Transaction,
    case: Case,
    caller: Caller,
    asked: ShreddingRequest,
    *,
    vault: PartyVault,
    unmark: Unmark,
    now: datetime,
) -> ShreddingResult:
    """Take a party out of the register, and note which keys have to be destroyed.

    Args:
        tx: Transaction, with the dispute locked.
        case: Dispute as it is.
        caller: Who does it.
        asked: What.
        vault: Opens what is sealed.
        unmark: Takes a person out of marks.
        now: Wall clock.

    Raises:
        Rejected: `unknown_party`, `second_person_missing`, `cannot_open`.
    """
    row, parts = parts_at(tx, vault, asked)
    if any(note.party == asked.party for note in _notes(tx, forgotten_party.c.dispute_id == asked.dispute_id)):
        return ShreddingResult(repeated=True)
    approval = case.approval
    if approval is None or not approval.holds(case.dispute, asked.digest, caller.holder):
        raise SECOND_PERSON_MISSING.error()
    whole = whole_of(parts)
    its = None if asked.party in whole.forgotten else whole.parties[asked.party - 1]
    _take_out_marks(tx, asked.dispute_id, its, unmark)
    parts[TEXT] = parts[asked.party] = None
    left = vault.seal(asked.dispute_id, row.agency, [part or b"" for part in parts])
    of_it = confidential.c.dispute_id == asked.dispute_id
    tx.execute(sa.update(confidential).where(of_it).values(dict(zip(confidential.columns, left, strict=True))))
    note = {
        "dispute_id": asked.dispute_id,
        "party": asked.party,
        "agency": row.agency,
        "handoff_id": events_of(tx, [asked.dispute_id])[asked.dispute_id][0].causation_id,
        "parties": len(parts) - 1,
        "forgotten_at": to_micros(now),
    }
    tx.execute(sa.insert(forgotten_party), [note])
    tx.execute(sa.update(dispute).where(dispute.c.dispute_id == asked.dispute_id).values(approval=None))
    return ShreddingResult(approval.holder, sealed_whole=bool(row.wrapped_key))


class KeyDestroyer(Periodic):
    """Destroys the keys of forgotten parties, at the start and whenever a note is new.

    Args:
        store: Of intake.
        vault: Has the keys.
    """

    name = "key-destroyer"

    def __init__(self, store: Store, vault: PartyVault) -> None:
        super().__init__()
        self._store = store
        self._vault = vault

    async def destroy(self, dispute_id: str | None = None) -> None:
        """Destroy the keys of a dispute's forgotten parties, of all disputes when None.

        Raises:
            Retryable: `keys_not_writable`; what the store raises.
        """
        its = sa.true() if dispute_id is None else forgotten_party.c.dispute_id == dispute_id
        notes = await self._store.read(lambda tx: _notes(tx, its))
        try:
            await asyncio.to_thread(self._destroy, notes)
        except OSError as error:
            raise KEYS_NOT_WRITABLE.error(after_s=EVERY_S) from error

    @override
    async def step(self) -> float:
        """Destroy what is noted; what can't be done now waits."""
        try:
            await self.destroy()
        except Retryable as error:
            _log.warning("keys_not_destroyed", code=error.code)
        return EVERY_S

    def _destroy(self, notes: Sequence[sa.Row[Any]]) -> None:
        for dispute_id, its in groupby(notes, key=lambda note: note.dispute_id):
            of_one = list(its)
            gone = {note.party for note in of_one}
            kept = [party for party in range(1, of_one[0].parties + 1) if party not in gone]
            self._vault.destroy(dispute_id, of_one[0].agency, of_one[0].handoff_id, kept)


def _notes(tx: Transaction, which: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    by = (forgotten_party.c.dispute_id, forgotten_party.c.party)
    return tx.execute(sa.select(forgotten_party).where(which).order_by(*by)).all()


def _take_out_marks(tx: Transaction, dispute_id: str, party: handoff_pb2.Party | None, unmark: Unmark) -> None:
    """Take a person out of what others of the matter are found by; everybody where nobody can tell who it was."""
    stored = tx.scalar(sa.select(dispute.c.marks).where(dispute.c.dispute_id == dispute_id))
    if stored is None:
        return
    before = marks_from_bytes(bytes(stored))
    after = None if party is None else unmark(before, Person(party.role, party.id_number, party.phone))
    gone = set(before.pairs) - set(after.pairs if after is not None else ())
    pairs = match_pair.c
    tx.execute(sa.delete(match_pair).where(pairs.dispute_id == dispute_id, pairs.token.in_(sorted(gone))))
    left = None if after is None else marks_to_bytes(after)
    tx.execute(sa.update(dispute).where(dispute.c.dispute_id == dispute_id).values(marks=left))
