"""Bounds the open connections of a server.

When there is one too many, an idle connection is closed.
"""

from __future__ import annotations

import resource
from typing import Protocol

MOST = 1000
"""Connections at once, where the process may open twice as many files."""


class Connection(Protocol):
    """An HTTP connection, as this module needs it."""

    def give_up(self) -> None:
        """Close at once."""


def most_connections() -> int:
    """Return how many connections the process may hold.

    They leave half of its open files to the store, Kafka and gRPC.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST, soft // 2) if soft > 0 else MOST


class IdleConnections:
    """The idle connections, by the address they come from.

    Args:
        most: Connections of the server at once, idle and busy.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_address: dict[str, dict[Connection, None]] = {}

    def make_room(self, open_now: int) -> None:
        """Close an idle connection when the server is full.

        It is the one that has been idle longest among those of the address with the most idle connections.
        """
        if open_now < self._most or not self._by_address:
            return
        crowd = max(self._by_address.values(), key=len)
        next(iter(crowd)).give_up()

    def add(self, connection: Connection, address: str) -> None:
        """Register a connection as idle."""
        self._by_address.setdefault(address, {})[connection] = None

    def discard(self, connection: Connection, address: str) -> None:
        """Remove a connection that has a request or is closed."""
        crowd = self._by_address.get(address, {})
        crowd.pop(connection, None)
        if not crowd:
            self._by_address.pop(address, None)
