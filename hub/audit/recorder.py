"""Writes down what was denied, and forgets what is older, or more, than has to be kept.

What was allowed is written by whoever does it, in the transaction of the act. A denied call has no transaction: it is
remembered for a moment, together with others like it, so that a flood of guesses is one entry a moment and costs the
store nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog
from msgspec.structs import replace
from typing_extensions import override

from hub.access.verifier import Caller
from hub.audit.chain import BATCH, AuditEntry, append, begin, prune, size
from hub.errors import Refusal, Rejected, Retryable
from hub.refusals import AUDIT_TOO_LARGE
from hub.runtime.clock import Clock
from hub.runtime.metrics import Metrics
from hub.runtime.periodic import Periodic
from hub.runtime.settings import AUDIT_DAYS_LEAST
from hub.store.store import Store, Transaction

T = TypeVar("T")

EVERY_S: Final = 0.5
LOOK_EVERY: Final = timedelta(minutes=1)
LAW: Final = timedelta(days=AUDIT_DAYS_LEAST)
"""No entry is forgotten that is younger, however many there are."""
KINDS_MOST: Final = 1000
"""Different denied calls that are remembered at once; what comes beyond them is one entry, `beyond`."""
BEYOND: Final = "beyond"

_log = structlog.stdlib.get_logger(__name__)


def current_correlation() -> str:
    """Return the correlation id of the call that is served now; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))


def entry_of(at: datetime, call: str, caller: Caller, *about: str, purpose: str = "") -> AuditEntry:
    """Return the entry of what a caller did, in the call that is served now.

    Make it before the transaction, which runs in a thread that serves no call.
    """
    return AuditEntry(
        at=at,
        call=call,
        credential_id=caller.credential_id,
        holder=caller.holder,
        role=caller.role,
        purpose=purpose,
        about=about,
        correlation_id=current_correlation(),
    )


async def recorded(store: Store, entry: AuditEntry, unit: Callable[[Transaction], tuple[T, tuple[str, ...]]]) -> T:
    """Carry out a unit, with its entry in the same transaction, whether it was refused or not.

    Args:
        store: Of the service.
        entry: What is asked, and by whom.
        unit: Returns its result and what the entry is about; what it refuses it refuses before it writes anything.

    Raises:
        Rejected: The unit's own, whose code is in the entry.
    """

    def written(tx: Transaction) -> T | Rejected:
        try:
            result, about = unit(tx)
        except Rejected as refused:
            append(tx, [replace(entry, denied=refused.code)])
            return refused
        append(tx, [replace(entry, about=about)])
        return result

    result = await store.write(written)
    if isinstance(result, Rejected):
        raise result
    return result


class DenialRecorder(Periodic):
    """Remembers denied calls, and writes them to the audit as a part of the service.

    Args:
        store: Of the service.
        clock: Wall clock.
        metrics: `hub_calls_denied_total`, `hub_audit_rows`.
        kept: How long entries are kept, at least `LAW`.
        most: Entries above which those go first that the law lets go.
    """

    name = "denials"

    def __init__(self, store: Store, clock: Clock, metrics: Metrics, *, kept: timedelta, most: int) -> None:
        super().__init__()
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._kept = kept
        self._most = most
        self._trouble = ""
        self._looked_at: datetime | None = None
        self._waiting: OrderedDict[tuple[str, ...], AuditEntry] = OrderedDict()

    def note(self, call: str, caller: Caller | None, address: str, refused: Refusal) -> None:
        """Remember a denied call; this is what a gate calls."""
        self._metrics.inc("hub_calls_denied_total", 1, code=refused.code)
        who = caller or Caller("", "", "", frozenset(), "")
        key: tuple[str, ...] = (call, who.credential_id, address, refused.code)
        if key not in self._waiting and len(self._waiting) >= KINDS_MOST:
            key, call, who, address = (BEYOND,), BEYOND, Caller("", "", "", frozenset(), ""), ""
        known = self._waiting.get(key)
        if known is None:
            known = replace(entry_of(self._clock.now(), call, who), denied=refused.code, address=address)
            self._waiting[key] = known
        else:
            self._waiting[key] = replace(known, count=known.count + 1)

    def trouble(self) -> str:
        """Return the code of the trouble for the health answer: more entries than the bound, and none may go."""
        return self._trouble

    @override
    async def start(self) -> None:
        """Begin the chain in a new store."""
        await self._store.write(begin)
        await super().start()

    @override
    async def stop(self) -> None:
        """Write what is remembered."""
        await super().stop()
        await self.step()

    @override
    async def step(self) -> float:
        """Write what is remembered, and forget what is old enough; what can't be done now waits."""
        taken, self._waiting = self._waiting, OrderedDict()
        if taken:
            try:
                await self._store.write(lambda tx: append(tx, list(taken.values())))
            except Retryable as error:
                _log.warning("denials_await", code=error.code, waiting=len(taken))
                for key, entry in taken.items():
                    later = self._waiting.get(key)
                    self._waiting[key] = entry if later is None else replace(entry, count=entry.count + later.count)
                return max(EVERY_S, error.after_s)
        await self._look()
        return EVERY_S

    async def _look(self) -> None:
        """Forget one batch of what may go, if there is any, and see how many entries stay."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return
        try:
            gone, stay = await self._store.write(lambda tx: self._forget(tx, now))
        except Retryable as error:
            _log.warning("audit_not_pruned", code=error.code)
            self._looked_at = now
            return
        self._metrics.set("hub_audit_rows", stay)
        if not gone:  # else the next step goes on
            self._looked_at = now
            self._trouble = AUDIT_TOO_LARGE.name if stay > self._most else ""

    def _forget(self, tx: Transaction, now: datetime) -> tuple[int, int]:
        """Forget one batch; returns how many entries went, and how many stay."""
        gone = prune(tx, now - self._kept, BATCH)
        beyond = size(tx) - self._most
        if not gone and beyond > 0:
            gone = prune(tx, now - LAW, min(BATCH, beyond))
        return gone, size(tx)
