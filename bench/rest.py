"""When a hub is at rest: what one measurement left over must not be paid for by the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from hub.errors import Retryable
from ops.books import Sheet, unread
from ops.desk import Desk
from ops.launcher import BRIDGES, SERVICES

PATIENCE_S: Final = 300.0
LOOK_S: Final = 0.2


async def at_rest(desk: Desk, patience_s: float = PATIENCE_S) -> Mapping[str, Sheet]:
    """Wait until nothing is on its way; returns the books of all services then.

    Raises:
        Retryable: `not_settled`.
    """
    end = time.monotonic() + patience_s
    while on_its_way(sheets := await desk.sheets(SERVICES)):
        if time.monotonic() > end:
            raise Retryable("not_settled", f"records are still on their way after {patience_s:.0f} s")
        await asyncio.sleep(LOOK_S)
    return sheets


def on_its_way(sheets: Mapping[str, Sheet]) -> int:
    """Return the records that are unsent, or unread by one who reads them: bridges follow stats by a moment."""
    bridges, intake = [sheets[name] for name in BRIDGES], sheets["intake"]
    waiting = sum(unread([intake], reader) for reader in (*bridges, sheets["stats"]))
    return waiting + unread(bridges, intake) + sum(sheet.outbox_rows for sheet in sheets.values())
