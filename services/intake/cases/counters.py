"""Counts intake's events in the metric register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import structlog
from typing_extensions import override

from dispute.lifecycle import Event
from hub.runtime.metrics import Metrics
from services.intake.cases.ports import Counters

_log = structlog.stdlib.get_logger(__name__)


class MetricCounters(Counters):
    """Counts in Prometheus."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @override
    def events(self, written: Iterable[Event]) -> None:
        for (kind, channel), number in Counter((e.type, e.dimensions.channel) for e in written).items():
            self._metrics.inc("hub_disputes_events_total", number, type=kind.value, channel=channel.value)

    @override
    def timers(self, fired: int, obsolete: int) -> None:
        _log.debug("timers_fired", fired=fired, obsolete=obsolete)
