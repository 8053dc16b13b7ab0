"""The simulated partner systems seen alike: whatever they speak, they submit, get receipts and fetch results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ops.play.simulators.answers import Answer, ReceivedResult
from ops.play.simulators.bodies import Body


class PartnerSystem(Protocol):
    """A court's, a police's or a petition office's system."""

    agency: str

    async def submit(self, body: Body, key: str | None = None) -> Answer:
        """Send one record."""

    async def submit_batch(self, bodies: Sequence[Body]) -> list[Answer]:
        """Send many; an answer for each, in order."""

    async def results(self, after: int) -> tuple[list[ReceivedResult], int]:
        """Fetch a page of own results after a cursor; returns them and the next cursor."""

    async def acknowledge(self, cursor: int) -> None:
        """Confirm results up to a cursor."""

    async def close(self) -> None:
        """Close the connections."""


async def fetch_all(system: PartnerSystem, after: int) -> tuple[list[ReceivedResult], int]:
    """Fetch and confirm every result after a cursor; returns them and the last cursor."""
    found: list[ReceivedResult] = []
    cursor = after
    while True:
        page, next_cursor = await system.results(cursor)
        if not page:
            return found, cursor
        found += page
        cursor = next_cursor
        await system.acknowledge(cursor)
