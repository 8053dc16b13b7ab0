"""Turns journal records into facts and cells.

It runs inside the reader's transaction.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, cast

from google.protobuf.message import DecodeError
from typing_extensions import override

from dispute.wire.dispute.v1 import dimensions_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refused
from hub.refusals import UNDECODABLE
from hub.runtime.metrics import Metrics
from hub.store.store import Transaction
from hub.streams.applier import Answer, Applier
from hub.streams.judge import Numbered
from services.stats.facts.changes import StoreChangeSignal
from services.stats.facts.fields import CohortLike
from services.stats.facts.fold import Days, Fold, cohort_days
from services.stats.facts.interning import Interning
from services.stats.facts.ledger import FactWriter

STAGE: Final = "journal"
STREAM_OF: Final = attrgetter("stream")
PACK: Final = dimensions_pb2.CohortDates.SerializeToString
REMEMBERED_COHORTS: Final = 8_192
_UNDECODABLE: Final = UNDECODABLE.refusal(message="JournalEvent")


class JournalApplier(Applier):
    """Counts each event once.

    Facts, cells and the reader's position commit together. An event type that this version does not know raises
    `Fault`: the journal is kept for ever, so a newer stats will count the event, and skipping it would lose it.

    Attributes:
        newest_recorded_s: When intake recorded the last event that was folded, seconds since 1970.
    """

    def __init__(self, writer: FactWriter, interning: Interning, changes: StoreChangeSignal, metrics: Metrics) -> None:
        self._writer = writer
        self._interning = interning
        self._changes = changes
        self._metrics = metrics
        self._days: dict[bytes, Days] = {}
        self.newest_recorded_s = 0

    @override
    def key_of(self, record: bytes) -> str:
        try:
            return journal_pb2.JournalEvent.FromString(record).dispute_id
        except DecodeError as error:
            raise _UNDECODABLE.error() from error

    @override
    def source_of(self, record: bytes) -> str:
        return ""  # intake wrote all of them

    @override
    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        session = self._interning.session(tx)
        fold = Fold(session.ids_of, self._days_of)
        add, decode = fold.add, journal_pb2.JournalEvent.FromString
        events: Counter[int] = Counter()
        answers: list[Answer] = []
        newest: journal_pb2.JournalEvent | None = None
        for stream, run in groupby(records, key=STREAM_OF):
            number, before = session.stream(str(stream)), len(answers)
            refused = 0
            for _, _, _, _, position, record in run:
                try:
                    event = decode(record)
                    add(event, number, stream.shard, position)
                except (DecodeError, Refused) as error:
                    answers.append(error.refusal if isinstance(error, Refused) else _UNDECODABLE)
                    refused += 1
                    continue
                answers.append(None)
                if newest is None:
                    self._observe_age(event)
                newest = event
            events[number] += len(answers) - before - refused
        self._writer.write(tx, fold, +events)
        self._changes.counted()
        if newest is not None:
            self.newest_recorded_s = newest.recorded_at.seconds
        return answers

    def _observe_age(self, event: journal_pb2.JournalEvent) -> None:
        # Once per transaction: a histogram's lock per event would cost as much as folding it.
        age_s = max(0.0, time.time() - event.occurred_at.seconds)
        self._metrics.observe("hub_pipeline_event_age_seconds", age_s, stage=STAGE)

    def _days_of(self, cohort: CohortLike) -> Days:
        """Return cohort days from a cache.

        The key is the message's bytes: disputes of the same days share them, and parsing costs more.
        """
        packed = PACK(cast("dimensions_pb2.CohortDates", cohort))
        days = self._days.get(packed)
        if days is None:
            if len(self._days) >= REMEMBERED_COHORTS:
                self._days.clear()
            days = self._days[packed] = cohort_days(cohort)
        return days
