"""Applies the journal: bytes to facts and cells, inside the reader's transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from google.protobuf.message import DecodeError
from typing_extensions import override

from hub.errors import Rejected
from hub.journal.applying import Answer, Applier
from hub.journal.judge import Numbered
from hub.runtime.metrics import Metrics
from hub.store.store import Transaction
from hub.wire.dispute.v1 import dimensions_pb2
from hub.wire.journal.v1 import journal_pb2
from services.stats.adapters.changes import Pulse
from services.stats.adapters.interning import Interning
from services.stats.adapters.ledger import FactWriter
from services.stats.domain.fold import CohortLike, Days, Fold, cohort_days

STAGE: Final = "journal"
REMEMBERED_COHORTS: Final = 65_536


class JournalApplier(Applier):
    """Counts each event once; facts, cells and the reader's place commit together.

    An event type that this version does not know raises `Fault`: the journal lives for ever, so a newer stats will
    count it, and going past it would lose it.

    Attributes:
        newest_recorded_s: When the last event that was folded had been written down, seconds since 1970.
    """

    def __init__(self, writer: FactWriter, interning: Interning, pulse: Pulse, metrics: Metrics) -> None:
        self._writer = writer
        self._interning = interning
        self._pulse = pulse
        self._metrics = metrics
        self._days: dict[bytes, Days] = {}
        self.newest_recorded_s = 0

    @override
    def key_of(self, record: bytes) -> str:
        return _decode(record).dispute_id

    @override
    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        session = self._interning.session(tx)
        fold = Fold(session.ids_of, self._days_of)
        streams: dict[str, tuple[int, int]] = {}
        events: Counter[int] = Counter()
        answers: list[Answer] = []
        stream_id, shard, current = 0, 0, None
        oldest = newest = None
        for record in records:
            if record.stream is not current:
                current = record.stream
                name = str(current)
                if name not in streams:
                    streams[name] = (session.stream(name), current.shard)
                stream_id, shard = streams[name]
            try:
                event = _decode(record.record)
                fold.add(event, stream_id, shard, record.position)
            except Rejected as verdict:
                answers.append(verdict)
                continue
            answers.append(None)
            events[stream_id] += 1
            newest = event
            if oldest is None:
                oldest = event
        self._writer.write(tx, fold, events)
        self._pulse.counted()
        if oldest is not None and newest is not None:
            self.newest_recorded_s = newest.recorded_at.seconds
            # One look per transaction: a histogram's lock per event would cost as much as folding it.
            self._metrics.observe(
                "hub_pipeline_event_age_seconds", max(0.0, time.time() - oldest.occurred_at.seconds), stage=STAGE
            )
        return answers

    def _days_of(self, cohort: CohortLike) -> Days:
        """Remember answers by the message's bytes: disputes of the same days share them, and parsing costs more."""
        if not isinstance(cohort, dimensions_pb2.CohortDates):
            return cohort_days(cohort)
        packed = cohort.SerializeToString()
        days = self._days.get(packed)
        if days is None:
            if len(self._days) >= REMEMBERED_COHORTS:
                self._days.clear()
            days = self._days[packed] = cohort_days(cohort)
        return days


def _decode(record: bytes) -> journal_pb2.JournalEvent:
    try:
        return journal_pb2.JournalEvent.FromString(record)
    except DecodeError as error:
        raise Rejected("undecodable", "not a JournalEvent") from error
