"""Shows in the metrics how many disputes are under supervision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
import structlog
from typing_extensions import override

from dispute.lifecycle import Channel, Supervision
from hub.errors import Retryable
from hub.runtime.metrics import Metrics
from hub.runtime.periodic import Periodic
from hub.store.store import Store, Transaction
from services.intake.cases.tables import dispute

EVERY_S: Final = 10.0
"""Between two counts; Prometheus asks about as often."""
LEVELS: Final = tuple(level for level in Supervision if level is not Supervision.NORMAL)
_COUNTS: Final = (
    sa.select(dispute.c.supervision, dispute.c.channel, sa.func.count())
    .where(dispute.c.supervision.is_not(None))
    .group_by(dispute.c.supervision, dispute.c.channel)
)
_log = structlog.stdlib.get_logger(__name__)


class AlarmLevels(Periodic):
    """Counts the disputes at each level of supervision again and again; a part of the service."""

    name = "alarm-levels"

    def __init__(self, store: Store, metrics: Metrics) -> None:
        super().__init__()
        self._store = store
        self._metrics = metrics

    @override
    async def step(self) -> float | None:
        """Count once; what the store can't tell now stays as it was."""
        try:
            counts = await self._store.read(levels_of)
        except Retryable as error:
            _log.warning("levels_wait", code=error.code, detail=error.detail)
            return EVERY_S
        for level in LEVELS:
            for channel in Channel:
                number = counts.get((level.value, channel.value), 0)
                self._metrics.set("hub_disputes_supervised", number, level=level.value, channel=channel.value)
        return EVERY_S


def levels_of(tx: Transaction) -> Mapping[tuple[str, str], int]:
    """Return how many disputes are at each level, by level and channel; those that are late in nothing are left out."""
    return {(level, channel): number for level, channel, number in tx.execute(_COUNTS)}
