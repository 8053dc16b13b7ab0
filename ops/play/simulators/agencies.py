"""The common interface of simulated partner systems.

Over any protocol they submit records, get receipts and fetch results.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ops.play.simulators.answers import Answer, ReceivedResult
from ops.play.simulators.bodies import Body


class PartnerSystem(Protocol):
    """A court's, police organ's or petition office's system."""

    agency: str

    async def submit(self, body: Body, key: str | None = None) -> Answer:
        """Send one record."""

    async def submit_batch(self, bodies: Sequence[Body]) -> list[Answer]:
        """Send many records; one answer each, in order."""

    async def results(self, after: int) -> tuple[list[ReceivedResult], int]:
        """Fetch a page of own results after a cursor.

        Returns the results and the next cursor.
        """

    async def acknowledge(self, cursor: int) -> None:
        """Confirm results up to a cursor."""

    async def close(self) -> None:
        """Close the connections."""


async def fetch_all(system: PartnerSystem, after: int) -> tuple[list[ReceivedResult], int]:
    """Fetch and confirm every result after a cursor.

    Returns the results and the last cursor.
    """
    found: list[ReceivedResult] = []
    cursor = after
    while True:
        page, next_cursor = await system.results(cursor)
        if not page:
            return found, cursor
        found += page
        cursor = next_cursor
        await system.acknowledge(cursor)
