"""Has parties forgotten, by two persons; each try is in the audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from dispute.access.roles import role_table
from dispute.refusals.interfaces import UNKNOWN_GROUND
from dispute.wire.intake.v1 import intake_pb2
from hub.access.gate import current_caller
from hub.access.verifier import Caller
from hub.audit.recorder import entry_of, recorded
from hub.runtime.clock import Clock
from hub.store.store import Store, Transaction
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.ports import Case, DisputeRegister
from services.intake.cases.shredding import (
    KeyDestroyer,
    ShreddingRequest,
    ShreddingResult,
    Unmark,
    approve_shredding,
    forget,
    parts_at,
)
from services.intake.inbound.queries import found_dispute
from services.intake.inbound.requests import SERVICE

T = TypeVar("T")
Asked: TypeAlias = "intake_pb2.ApproveShreddingRequest | intake_pb2.ShredPartyRequest"


class ShreddingCalls:
    """Serves both calls.

    Args:
        store: Of intake.
        bind: Returns the register of a transaction.
        vault: Opens what is sealed of people.
        destroyer: Destroys keys.
        unmark: Takes a person out of marks.
        clock: Wall clock.
    """

    def __init__(
        self,
        store: Store,
        *,
        bind: Callable[[Transaction], DisputeRegister],
        vault: PartyVault,
        destroyer: KeyDestroyer,
        unmark: Unmark,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bind = bind
        self._vault = vault
        self._destroyer = destroyer
        self._unmark = unmark
        self._clock = clock

    async def approve(self, request: intake_pb2.ApproveShreddingRequest) -> intake_pb2.ApproveShreddingResponse:
        """Keep that another person approved.

        Raises:
            Rejected: `unknown_ground`, `unknown_dispute`, `unknown_party`, `cannot_open`.
        """
        caller = current_caller()

        def unit(
            tx: Transaction, register: DisputeRegister, case: Case, asked: ShreddingRequest
        ) -> tuple[str, tuple[str, ...]]:
            parts_at(tx, self._vault, asked)
            approve_shredding(register, case, caller, asked)
            return asked.dispute_id, ()

        return intake_pb2.ApproveShreddingResponse(
            dispute_id=await self._carry_out("ApproveShredding", request, caller, unit)
        )

    async def shred(self, request: intake_pb2.ShredPartyRequest) -> intake_pb2.ShredPartyResponse:
        """Forget a party.

        Raises:
            Rejected: As `approve`, and `second_person_missing`.
            Retryable: `keys_not_writable`: the register has forgotten, the keys follow when their folder takes writes.
        """
        caller = current_caller()

        def unit(
            tx: Transaction, _: DisputeRegister, case: Case, asked: ShreddingRequest
        ) -> tuple[tuple[str, ShreddingResult], tuple[str, ...]]:
            done = forget(tx, case, caller, asked, vault=self._vault, unmark=self._unmark, now=self._clock.now())
            said = "repeated" if done.repeated else f"approved by {done.approved_by}"
            return (asked.dispute_id, done), (said,)

        dispute_id, done = await self._carry_out("ShredParty", request, caller, unit)
        await self._destroyer.destroy(dispute_id)
        return intake_pb2.ShredPartyResponse(
            dispute_id=dispute_id, repeated=done.repeated, sealed_whole=done.sealed_whole
        )

    async def _carry_out(
        self,
        call: str,
        request: Asked,
        caller: Caller,
        unit: Callable[[Transaction, DisputeRegister, Case, ShreddingRequest], tuple[T, tuple[str, ...]]],
    ) -> T:
        """Carry out a unit on the dispute that is asked about, and write it into the audit, refused or not.

        The unit returns its result, and what the audit says of it.
        """
        known = role_table().grounds
        if request.ground not in known:
            raise UNKNOWN_GROUND.error(listed=", ".join(known))
        entry = entry_of(self._clock.now(), f"{SERVICE}/{call}", caller, purpose=request.ground)

        def on_it(tx: Transaction) -> tuple[T, tuple[str, ...]]:
            dispute_id = found_dispute(tx, request, caller.area).dispute_id
            asked = ShreddingRequest(dispute_id, request.party, request.ground)
            register = self._bind(tx)
            register.lock({dispute_id})
            result, said = unit(tx, register, register.cases({dispute_id})[dispute_id], asked)
            return result, (f"{dispute_id} party {request.party}", *said)

        return await recorded(self._store, entry, on_it)
