"""Writes down the inputs of one dispute in the order in which they are given to the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import uuid5

from dispute.contracts.codec import timestamp_of
from dispute.lifecycle.identity import NAMESPACE
from dispute.wire.dispute.v1 import command_pb2
from tests.year import shares
from tests.year.plan import Entry, Kind
from tests.year.plots import Plot
from tests.year.records import body_of, submission_of
from tests.year.season import later

LATEST_PAPER: Final = 24 * 25
"""Hours after which the last late paper is written down."""


class Pen:
    """Writes the inputs of one dispute; nobody writes a paper before the one that came earlier.

    Args:
        plot: What the dispute is about.
        dice: Decides when paper is late.

    Attributes:
        entries: What was written.
        round: Which hand-over of the record is under way.
    """

    def __init__(self, plot: Plot, dice: Random) -> None:
        self.plot = plot
        self.dice = dice
        self.entries: list[Entry] = []
        self.round = 1
        self._last = plot.at

    @property
    def written(self) -> datetime:
        """When the last paper was written."""
        return self._last

    def hours(self, least: float, most: float) -> float:
        """Return a number of hours."""
        return self.dice.uniform(least, most)

    def arrive(self, at: datetime | None = None, **changes: Any) -> None:  # noqa: ANN401 - fields of the body
        """Hand the record over; again with `at`, as its next round."""
        if not self.plot.docked:
            self._add(Kind.SUBMISSION, self._last, submission_of(self.plot))
            return
        if at is not None:
            self.round += 1
            changes |= {"handed_over_at": at.isoformat()}
            self._last = max(self._last, at)
        self._add(Kind.RECORD, self._last, body_of(self.plot, self.round, **changes))

    def arrive_again(self) -> None:
        """Send the same record once more."""
        first = self.entries[0]
        self._add(first.kind, first.written_at + timedelta(hours=self.hours(1, 60)), first.content)

    def report(self, at: datetime, written: datetime | None = None, **body: Mapping[str, Any]) -> None:
        """Report a later fact; commands of people take its place where no agency reports."""
        content = {"source_ref": self.plot.ref, "occurred_at": at.astimezone(UTC).isoformat(), **body}
        self._add(Kind.REPORT, self._next(at, written), content)

    def command(
        self,
        action: str,
        at: datetime,
        role: str,
        written: datetime | None = None,
        **fields: Any,  # noqa: ANN401 - fields of the instruction
    ) -> None:
        """Write a command of a person."""
        dispute_id, order = self.plot.dispute_id, len(self.entries)
        message = command_pb2.Command(
            command_id=str(uuid5(NAMESPACE, f"year/{dispute_id}/{order}")),
            dispute_id=dispute_id,
            actor=command_pb2.Actor(role=role, actor_id=f"{role}-1"),
            occurred_at=timestamp_of(at.astimezone(UTC)),
        )
        instruction = getattr(message, action)
        instruction.SetInParent()
        instruction.MergeFrom(type(instruction)(**fields))
        self._add(Kind.COMMAND, self._next(at, written), message)

    def late(self, at: datetime) -> datetime | None:
        """Return when a paper is written that is late; None when it is written at once, as most are."""
        if self.dice.random() >= shares.LATE_PAPER:
            return None
        return later(at, self.hours(30, LATEST_PAPER))

    def digest(self, what: str) -> str:
        """Return the digest of a document."""
        return hashlib.sha256(f"{self.plot.dispute_id}/{what}".encode()).hexdigest()

    def _next(self, at: datetime, written: datetime | None) -> datetime:
        self._last = max(at, written or at, self._last)
        return self._last

    def _add(self, kind: Kind, written_at: datetime, content: Any) -> None:  # noqa: ANN401 - whatever the hub takes
        plot = self.plot
        self.entries.append(
            Entry(written_at.astimezone(UTC), kind, plot.channel, plot.dispute_id, len(self.entries), content)
        )
