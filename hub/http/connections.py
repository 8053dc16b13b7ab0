"""The open connections of a server, bounded: when one too many comes, one that is idle makes room for it."""

from __future__ import annotations

import resource
from typing import Protocol

MOST = 1000
"""Connections at once, where the process may open twice as many files."""


class Connection(Protocol):
    """What is kept: an HTTP connection."""

    def give_up(self) -> None:
        """Close, at once."""


def most_connections() -> int:
    """Return how many connections leave half of the process's open files to its store, Kafka and gRPC."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST, soft // 2) if soft > 0 else MOST


class Idle:
    """Connections that wait for a request, by the address they come from.

    Args:
        most: Connections of the server at once, idle and busy.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_address: dict[str, dict[Connection, None]] = {}

    def make_room(self, open_now: int) -> None:
        """Close the connection that has been idle longest among those of the address that holds the most."""
        if open_now < self._most or not self._by_address:
            return
        crowd = max(self._by_address.values(), key=len)
        next(iter(crowd)).give_up()

    def add(self, connection: Connection, address: str) -> None:
        """Remember that a connection waits."""
        self._by_address.setdefault(address, {})[connection] = None

    def discard(self, connection: Connection, address: str) -> None:
        """Forget a connection that has a request, or is gone."""
        crowd = self._by_address.get(address, {})
        crowd.pop(connection, None)
        if not crowd:
            self._by_address.pop(address, None)
