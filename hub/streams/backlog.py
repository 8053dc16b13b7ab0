"""How far each partition is to be read straight from the log before anything that the consumer brings (ADR 0008). Pure.

Two things put a partition behind: its place was far behind when it was assigned, so that the consumer was sent past the
rest, or the consumer dropped something. From then on what it brings of that partition only tells how long the log is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Backlog:
    """Marks of the partitions; a mark that was reached means nothing any more."""

    def __init__(self) -> None:
        self._began: Mapping[int, int] = {}
        self._upto: dict[int, int] = {}
        self._holes: dict[int, list[tuple[int, int]]] = {}

    def begin(self, began: Mapping[int, int]) -> None:
        """Take note of the offsets from which on the consumer brings each partition."""
        self._began = began

    def forget(self, partitions: Collection[int]) -> None:
        """Drop the marks of partitions that came or went."""
        for partition in partitions:
            self._upto.pop(partition, None)
            self._holes.pop(partition, None)

    def upto(self, partition: int) -> int:
        """Return the offset below which only the log is read; the partition is behind while its place is below."""
        return max(self._began.get(partition, 0), self._upto.get(partition, 0))

    def goes_on(self, partition: int, offset: int, place: int) -> bool:
        """Tell whether what the consumer brought is to be judged now; else it was noted and a fetch brings it.

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
        """Mark offsets [start, end) as a hole: they were to come from the consumer and did not."""
        self._holes.setdefault(partition, []).append((start, end))
        self._upto[partition] = max(end, self.upto(partition))

    def gaps(self, partition: int, start: int, end: int) -> int:
        """Return how many of [start, end), which a fetch brought, the consumer had dropped.

        What lies below its beginning it never was to bring. Fetches come in order: holes below `start` are forgotten.
        """
        holes = [hole for hole in self._holes.pop(partition, ()) if hole[1] > start]
        if holes:
            self._holes[partition] = holes
        began = self._began.get(partition, 0)
        return sum(max(0, min(end, upto) - max(start, began, low)) for low, upto in holes)
