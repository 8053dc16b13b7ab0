"""Judges whether a service does its job.

Each part reports its trouble as a code of the catalogue, and `Health` gives the answer.
Trouble that lasts decides; trouble that passes is reported as degraded. Whether the process is alive is another
question (`/livez`): a service that can't write its store is alive, and a restart would not help.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from typing_extensions import override

from hub import refusals
from hub.errors import Code
from hub.runtime.metrics import Metrics
from hub.runtime.periodic import Periodic

DOWN_AFTER_S: Final = 10.0
"""Shorter trouble raises no alarm: a restarted database, a leader that moves, a rebalance."""
LOOK_S: Final = 0.5

_ROWS: Final[Mapping[str, Code]] = {row.name: row for row in vars(refusals).values() if isinstance(row, Code)}


class HealthStatus(StrEnum):
    """Health of a service."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


class Bearing(StrEnum):
    """What a trouble prevents.

    Attributes:
        ACCEPTING: Calls can't be served: down, and gRPC health says NOT_SERVING.
        APPLYING: What comes over the bus can't be applied, and that is the service's job: down; calls are still served.
        PASSING_ON: What was accepted reaches others later, or news from others comes later: degraded, however long.
        NOTHING: All work goes on, by what was known before; somebody has to look at it: degraded, however long.
    """

    ACCEPTING = "accepting"
    APPLYING = "applying"
    PASSING_ON = "passing_on"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that can be in trouble.

    Attributes:
        name: In the answer: `writes`, `reads`, `relays`.
        bearing: What its trouble prevents.
        trouble: Called at each check; a code, empty while all is well.
        title: For people, Chinese first.
    """

    name: str
    bearing: Bearing
    trouble: Callable[[], str]
    title: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one concern.

    Attributes:
        reason: Code of its trouble; empty when there is none.
        for_s: Seconds for which this state has lasted.
    """

    reason: str
    for_s: float


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The answer of `/healthz`.

    Attributes:
        status: Of the service as a whole.
        detail: For people, Chinese first; empty when all is well.
        parts: State of each concern, by its name.
    """

    status: HealthStatus
    detail: str = ""
    parts: Mapping[str, Finding] = field(default_factory=dict)


class Health:
    """Tracks how long each concern has been in its state.

    Args:
        concerns: Of this service.
        now: Monotonic seconds.
    """

    def __init__(self, concerns: Sequence[Concern], *, now: Callable[[], float] = time.monotonic) -> None:
        self._concerns = concerns
        self._now = now
        begun = now()
        self._since = {concern.name: ("", begun) for concern in concerns}

    def report(self) -> HealthReport:
        """Check every concern and judge."""
        now = self._now()
        found = {concern.name: self._look(concern, now) for concern in self._concerns}
        troubled = [concern for concern in self._concerns if found[concern.name].reason]
        detail = "; ".join(_line(concern, found[concern.name]) for concern in troubled)
        down = any(_lasts(concern, found[concern.name], {Bearing.ACCEPTING, Bearing.APPLYING}) for concern in troubled)
        status = HealthStatus.DOWN if down else HealthStatus.DEGRADED if troubled else HealthStatus.OK
        return HealthReport(status, detail, found)

    def serving(self) -> bool:
        """Return whether calls can be served, for gRPC's health."""
        now = self._now()
        return not any(_lasts(concern, self._look(concern, now), {Bearing.ACCEPTING}) for concern in self._concerns)

    def _look(self, concern: Concern, now: float) -> Finding:
        reason = concern.trouble()
        before, since = self._since[concern.name]
        if bool(reason) != bool(before):
            since = now
        self._since[concern.name] = (reason, since)
        return Finding(reason, now - since)


class ServingListener(Protocol):
    """Sets gRPC's health status."""

    async def __call__(self, *, serving: bool) -> None:
        """Set whether calls can be served."""


class HealthWatch(Periodic):
    """Checks health at regular intervals, as a part.

    Without it the start of a trouble would be unknown when no request asks. It also sets gRPC's health and the metric.

    Args:
        health: Of the service.
        metrics: `hub_healthy`.
        set_serving: Of the gRPC server; called when the answer changes.
    """

    name = "health"

    def __init__(self, health: Health, metrics: Metrics, set_serving: ServingListener) -> None:
        super().__init__()
        self._health = health
        self._metrics = metrics
        self._set_serving = set_serving
        self._known = True

    @override
    async def step(self) -> float:
        """Check once."""
        self._metrics.set("hub_healthy", 0 if self._health.report().status is HealthStatus.DOWN else 1)
        serving = self._health.serving()
        if serving != self._known:
            self._known = serving
            await self._set_serving(serving=serving)
        return LOOK_S


def _lasts(concern: Concern, finding: Finding, bearings: set[Bearing]) -> bool:
    return concern.bearing in bearings and bool(finding.reason) and finding.for_s >= DOWN_AFTER_S


def _line(concern: Concern, finding: Finding) -> str:
    row = _ROWS.get(finding.reason)
    words = f"{row.zh} / {row.en}" if row else finding.reason
    return f"{concern.title}: {words} ({int(finding.for_s)} s)"
