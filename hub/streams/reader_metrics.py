"""The metrics and logs of a reader.

They carry the name of its stage.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from hub.refusals import NOT_A_BATCH, PLACE_MISMATCH, TOMBSTONE, UNDECODABLE
from hub.runtime.metrics import Metrics
from hub.streams.applier import Outcome
from hub.streams.judge import Dead

DEAD_REASONS: Final = (NOT_A_BATCH.name, TOMBSTONE.name, UNDECODABLE.name, PLACE_MISMATCH.name)
"""Reasons that every reader knows; an applier's own come as they occur."""

log = structlog.get_logger(__name__)


class ReaderMetrics:
    """The metrics of one reader.

    Args:
        register: Of the process.
        stage: `handoff`, `journal` or `result`.
    """

    def __init__(self, register: Metrics, stage: str) -> None:
        self.register = register
        self._stage = stage

    def begin(self) -> None:
        """Show every metric from the start."""
        self.register.begin_stage(self._stage, dead_letter_reasons=DEAD_REASONS)

    def settled(self, items: int, repeats: int, gaps: int, outcome: Outcome) -> None:
        """Count what a commit brought.

        Args:
            items: Records that it judged.
            repeats: Records that it knew already.
            gaps: Messages that the log has no more.
            outcome: What came of the records.
        """
        stage = self._stage
        self.register.inc("hub_pipeline_in_total", items, stage=stage)
        self.register.inc("hub_pipeline_out_total", outcome.applied, stage=stage)
        self.register.set("hub_pipeline_last_processed_timestamp_seconds", time.time(), stage=stage)
        self.register.inc("hub_repeats_dropped_total", repeats, stage=stage)
        self.register.inc("hub_gaps_fetched_total", gaps, stage=stage)
        self.died(outcome.dead)

    def died(self, dead: Sequence[Dead]) -> None:
        """Count dead letters."""
        for letter in dead:
            self.register.inc("hub_dead_letters_total", letter.records or 1, stage=self._stage, reason=letter.reason)
            log.warning("dead_letter", stage=self._stage, reason=letter.reason, partition=letter.source.partition)

    def fetched(self, messages: int) -> None:
        """Count messages that came directly from the log."""
        self.register.inc("hub_backlog_fetched_total", messages, stage=self._stage)

    def lags(self, messages: int) -> None:
        """Show how many messages are unread."""
        self.register.set("hub_pipeline_lag_messages", messages, stage=self._stage)

    def holds(self, before: Mapping[str, str], held: Mapping[str, str]) -> None:
        """Show how many sources are held.

        Each is logged once when its hold begins and once when it ends.
        """
        for source in held.keys() - before.keys():
            log.error("source_held", stage=self._stage, source=source, reasons=held[source])
        for source in before.keys() - held.keys():
            log.warning("source_released", stage=self._stage, source=source)
        self.register.set("hub_source_held", len(held), stage=self._stage)

    def waiting(self, held_rows: int, parked: int) -> None:
        """Show how much waits.

        These are records of held sources, and disputes that are parked.
        """
        self.register.set("hub_held_rows", held_rows, stage=self._stage)
        self.register.set("hub_parked_disputes", parked)
