"""When each credential was last used, so that nobody revokes a key that an agency still works with.

A service remembers in memory whom its gate admitted; once a minute what is new goes to the service's own store. A
process that is killed may lose the uses of its last minute, and of the time for which its store took no writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
import structlog
from typing_extensions import override

from hub.access.tables import access_use
from hub.errors import Retryable
from hub.runtime.periodic import Periodic
from hub.store.instants import from_micros, to_micros
from hub.store.prepared import insert_into
from hub.store.store import Store, Transaction

EVERY_S: Final = 60.0
_U: Final = access_use.c
_log = structlog.stdlib.get_logger(__name__)


class UseRecorder(Periodic):
    """Remembers uses, and writes them as a part of the service; a stop writes what is left.

    Args:
        store: Of the service.
    """

    name = "credential_uses"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._seen: dict[str, datetime] = {}
        self._late: dict[str, datetime] = {}
        self._written: dict[str, datetime] = {}

    def note(self, credential_id: str, at: datetime) -> None:
        """Remember a use; this is what a gate calls for each call that it admits, so it does nothing else.

        No dict here has more than one item a credential: none is used that is not in the set.
        """
        self._seen[credential_id] = at

    @override
    async def stop(self) -> None:
        """Write what is remembered."""
        await super().stop()
        await self.step()

    @override
    async def step(self) -> float:
        """Write the minutes that are new; what can't be written now waits, together with what comes."""
        seen, self._seen = self._seen, {}
        new = self._late
        for of, at in seen.items():
            minute = at.replace(second=0, microsecond=0)
            known = new.get(of) or self._written.get(of)
            if known is None or known < minute:
                new[of] = minute
        if new:
            try:
                await self._store.write(lambda tx: write_uses(tx, new))
            except Retryable as error:
                _log.warning("credential_uses_await", code=error.code, waiting=len(new))
                return max(EVERY_S, error.after_s)
            self._written |= new
            self._late = {}
        return EVERY_S


def write_uses(tx: Transaction, uses: Mapping[str, datetime]) -> None:
    """Write the last uses of some credentials, at least one; a use that is known to be later stays.

    Args:
        tx: Of the service's store.
        uses: Id of a credential to the minute of its last use.
    """
    each = insert_into(tx.dialect.name, access_use)
    later = each.on_conflict_do_update(
        index_elements=[_U.credential_id],
        set_={"last_used": each.excluded.last_used},
        where=_U.last_used < each.excluded.last_used,
    )
    # In one order: two workers of a store would wait for each other's rows otherwise.
    rows = [{"credential_id": of, "last_used": to_micros(uses[of])} for of in sorted(uses)]
    tx.execute(later, rows)


def last_uses(tx: Transaction) -> dict[str, datetime]:
    """Return the last use of each credential that a store has seen, UTC, rounded down to the minute.

    A store that a service of an earlier release still runs on has seen none.
    """
    if not sa.inspect(tx).has_table(access_use.name):
        return {}
    return {row.credential_id: from_micros(row.last_used) for row in tx.execute(sa.select(access_use))}
