"""Decides what the reader reads directly from the log.

Each partition has an offset up to which only the log is read, whatever the consumer delivers (ADR-0008). Two things put
a partition behind: its place was far behind when it was assigned, so that the consumer was sent past the rest, or the
consumer dropped something. From then on the consumer's records of that partition only show how long the log is. Pure:
no I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Backlog:
    """The offset up to which each partition is behind.

    An offset that was reached has no meaning any more.
    """

    def __init__(self) -> None:
        self._began: Mapping[int, int] = {}
        self._upto: dict[int, int] = {}
        self._holes: dict[int, list[tuple[int, int]]] = {}

    def begin(self, began: Mapping[int, int]) -> None:
        """Note the offsets from which the consumer delivers."""
        self._began = began

    def forget(self, partitions: Collection[int]) -> None:
        """Drop the marks of assigned and revoked partitions."""
        for partition in partitions:
            self._upto.pop(partition, None)
            self._holes.pop(partition, None)

    def upto(self, partition: int) -> int:
        """Return the offset below which only the log is read.

        The partition is behind while its place is below it.
        """
        return max(self._began.get(partition, 0), self._upto.get(partition, 0))

    def goes_on(self, partition: int, offset: int, place: int) -> bool:
        """Return whether a record of the consumer is judged now.

        If not, its offset was noted and a fetch brings it.

        Args:
            partition: Where it comes from.
            offset: Its own.
            place: Next offset wanted, after what the same consumer brought before.
        """
        known = max(place, self.upto(partition))
        if offset < place or offset == place == known:
            return True
        if offset > known:
            self.dropped(partition, known, offset)
        self._upto[partition] = max(known, offset + 1)
        return False

    def dropped(self, partition: int, start: int, end: int) -> None:
        """Mark offsets [start, end) as a hole.

        The consumer should have delivered them and did not.
        """
        self._holes.setdefault(partition, []).append((start, end))
        self._upto[partition] = max(end, self.upto(partition))

    def gaps(self, partition: int, start: int, end: int) -> int:
        """Return how many fetched offsets the consumer had dropped.

        The fetch brought [start, end). Offsets below the consumer's beginning do not count: it was never to deliver
        them. Fetches come in order: holes below `start` are forgotten.
        """
        holes = [hole for hole in self._holes.pop(partition, ()) if hole[1] > start]
        if holes:
            self._holes[partition] = holes
        began = self._began.get(partition, 0)
        return sum(max(0, min(end, upto) - max(start, began, low)) for low, upto in holes)
