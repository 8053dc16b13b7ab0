"""Exports the base counts to Prometheus.

They are gauges, read from the totals at each scrape, so that a scrape equals gRPC.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import Retryable
from hub.runtime.metrics import Metrics
from hub.store.store import Store, Transaction
from services.stats.facts.applier import STAGE, JournalApplier
from services.stats.facts.ledger import counts_by_county
from services.stats.facts.measures import ALL, CHANNELS, MEASURES
from services.stats.facts.query import Counts
from services.stats.figures.rates import total

GAUGE: Final = "hub_stats_disputes"
PATH: Final = "/metrics"


class Exporter:
    """Sets the gauges of stats from one snapshot.

    Args:
        difference: Read events minus folded, dead and parked ones; 0 when the books balance.
    """

    def __init__(
        self, store: Store, metrics: Metrics, applier: JournalApplier, difference: Callable[[Transaction], int]
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._applier = applier
        self._difference = difference
        self._turn = asyncio.Lock()
        self._counties: set[str] = set()

    def begin(self) -> None:
        """Set all channels and measures to 0 before the first event."""
        self._set({"": {}})
        self._metrics.set("hub_stats_balance_difference", 0, stage=STAGE)
        self._metrics.set("hub_pipeline_lag_messages", 0, stage=STAGE)
        self._metrics.set("hub_pipeline_lag_seconds", 0, stage=STAGE)
        self._metrics.begin("hub_pipeline_event_age_seconds", stage=STAGE)

    async def refresh(self) -> None:
        """Read the totals and set the gauges.

        Concurrent scrapes run one after the other and each one reads anew.

        Raises:
            Retryable: The store did not answer; old values must not be shown as new ones.
        """
        async with self._turn:
            counts, difference = await self._store.read(lambda tx: (counts_by_county(tx), self._difference(tx)))
            self._set(counts)
            self._metrics.set("hub_stats_balance_difference", difference, stage=STAGE)
            self._metrics.set("hub_pipeline_lag_seconds", self._lag_s(), stage=STAGE)

    def _set(self, counts: Mapping[str, Counts]) -> None:
        self._counties.update(counts)
        for county in self._counties:
            here = counts.get(county, {})
            for channel in {*CHANNELS, *(channel for channel, _ in here)} - {ALL}:
                for measure in MEASURES:
                    number = total(here, channel, measure.weights)
                    self._metrics.set(GAUGE, number, county=county, channel=channel, measure=measure.name)

    def _lag_s(self) -> float:
        """Return the age limit of the oldest unread message.

        It can't be older, because it was written after the newest message that was read.
        """
        unread = self._metrics.registry.get_sample_value("hub_pipeline_lag_messages", {"stage": STAGE}) or 0
        newest = self._applier.newest_recorded_s
        return max(0.0, time.time() - newest) if unread and newest else 0.0


class FreshScrape:
    """ASGI wrapper that refreshes the gauges before `/metrics` is answered."""

    def __init__(self, app: ASGIApp, exporter: Exporter) -> None:
        self._app = app
        self._exporter = exporter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == PATH:
            try:
                await self._exporter.refresh()
            except Retryable as error:
                await PlainTextResponse(f"{error.code}\n", status_code=503)(scope, receive, send)
                return
        await self._app(scope, receive, send)
