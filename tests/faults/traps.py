"""What a drive of the control needs inside a service, whether its guard is there or not: armed by files, as points."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from typing_extensions import override

from dispute.contracts.topics import JOURNAL
from hub.kafka.buffer import Buffer
from hub.kafka.pages import Pages
from hub.kafka.publisher import KafkaPublisher
from hub.streams.judge import Numbered
from hub.streams.ports import Delivery, FeedRecord
from services.intake.inbound.handoffs import HandoffApplier
from tests.faults import points as at
from tests.faults.points import Points

BUG: Final = "bug"
"""The applier dies at every record of the first dispute that it meets, for as long as the point's file is there."""
GAP: Final = "gap"
"""One record is lost on the way to the reader, and the next one of its partition comes with the same look: a gap that
nobody can close by waiting."""
WEDGE: Final = "wedge"
"""The producer in use takes messages and never resolves one of them; the next producer is sound."""


MEET: Final = "meet"
"""Whoever asks for the log's ends waits for the next one who does, for as long as the point's file is there: both
begin in one turn of the loop, as after a stall."""
MEET_S: Final = 5.0


def _points() -> Points:
    return Points(Path(os.environ[at.FOLDER]))


def _bug() -> None:
    points, apply = _points(), HandoffApplier.apply

    def dying(self: HandoffApplier, tx: sa.Connection, records: Sequence[Numbered]) -> Any:  # noqa: ANN401 - as the method
        for item in records:
            dispute = self.key_of(item.record)
            if points.armed(BUG) is not None:
                points.take(BUG, dispute=dispute)
            told = points.fired(BUG)
            if told is not None and told["dispute"] == dispute:
                raise ZeroDivisionError(dispute)
        return apply(self, tx, records)

    HandoffApplier.apply = dying  # type: ignore[method-assign]


def _gap() -> None:
    points, take = _points(), Buffer.take

    def taking(self: Buffer, limit: int) -> Sequence[FeedRecord]:
        records = list(take(self, limit))
        if len(records) > 1 and points.armed(GAP) is not None:
            last = {record.partition: index for index, record in enumerate(records)}
            early = next((i for i, record in enumerate(records) if i < last[record.partition]), None)
            if early is not None:
                lost = records[early]
                if points.take(GAP, topic=lost.topic, partition=lost.partition, offset=lost.offset):
                    del records[early]
        return records

    Buffer.take = taking  # type: ignore[method-assign]


class _Never(Delivery):
    """A message of which nothing is ever heard again."""

    @override
    def done(self) -> bool:
        return False

    @override
    def failure(self) -> None:
        return None


def _wedge() -> None:
    points, send = _points(), KafkaPublisher.send
    wedged: list[object] = []

    def sending(self: KafkaPublisher, message: Any) -> Delivery:  # noqa: ANN401 - as the method
        current = self._current()
        if message.topic == JOURNAL.name and points.armed(WEDGE) is not None and points.take(WEDGE):
            wedged.append(current)
        return _Never() if current in wedged else send(self, message)

    KafkaPublisher.send = sending  # type: ignore[method-assign]


def _let_go(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _meet() -> None:
    points, ends = _points(), Pages.ends
    first: list[asyncio.Future[None]] = []

    async def together(self: Pages, partitions: Sequence[int]) -> Mapping[int, int]:
        if points.armed(MEET) is not None:
            if first and not first[0].done():
                first.pop().set_result(None)
                points.hit(MEET)
            else:
                # A bare future: whoever waits for it goes on in the very next turn.
                loop = asyncio.get_running_loop()
                first[:] = [loop.create_future()]
                loop.call_later(MEET_S, _let_go, first[0])
                await first[0]
        return await ends(self, partitions)

    Pages.ends = together  # type: ignore[method-assign]


TRAPS: Final[Mapping[str, Callable[[], None]]] = {BUG: _bug, GAP: _gap, WEDGE: _wedge, MEET: _meet}
