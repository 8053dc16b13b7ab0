"""Waits until a hub is at rest.

Remaining work of one measurement must not slow down the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from dispute.contracts.topics import BRIDGES
from ops.console.exits import CommandError, Exit
from ops.run.books import Sheet, on_its_way
from ops.run.client import HubClient
from ops.run.launcher import SERVICES

PATIENCE_S: Final = 300.0
LOOK_S: Final = 0.2


async def at_rest(client: HubClient) -> Mapping[str, Sheet]:
    """Wait until no record is on its way.

    Returns the books of all services.

    Raises:
        CommandError: They are still on their way.
    """
    end = time.monotonic() + PATIENCE_S
    while on_its_way(sheets := await client.sheets(SERVICES), BRIDGES):
        if time.monotonic() > end:
            raise CommandError(Exit.TIMED_OUT, f"records are still on their way after {PATIENCE_S:.0f} s")
        await asyncio.sleep(LOOK_S)
    return sheets
