"""Where a consumer begins after an assignment.

It begins at the reader's place, or at the log's end when the place is far behind (ADR-0008). Pure: no I/O.
"""

from __future__ import annotations

from typing import Final

FAR: Final = 500
"""A partition with more messages than this between its place and the log's end is far behind.

Faust takes 190-390 us of CPU for a message, a page from the log 20: with fewer messages the second consumer's
connections cost more than they save."""


def start_of(place: int | None, first: int, end: int) -> int:
    """Return the offset at which a consumer begins.

    Args:
        place: The reader's own place; None when it has never read the partition.
        first: First offset that the log still has.
        end: Offset after its last record.
    """
    # a place beyond the end belongs to a topic that was deleted and created again
    start = first if place is None or not first <= place <= end else place
    return end if end - start > FAR else start
