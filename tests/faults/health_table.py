"""What services say of themselves while a fault lasts: the table that the matrix checks and docs/reliability.md shows.

Three words (docs/runbook.md): `ok`, `degraded` and `down`. A bridge is down when it can't accept; without Kafka it goes
on accepting, which is what it is for. Intake and stats are down when they can't apply what lies on the bus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OK: Final = "ok"
DEGRADED: Final = "degraded"
DOWN: Final = "down"
BRIDGE: Final = "bridge"
INTAKE: Final = "intake"
STATS: Final = "stats"

DOWN_AFTER_S: Final = 10.0
"""What passes sooner is nobody's alarm."""
NOTICED_S: Final = 4.0
"""A service has noticed by then what troubles it."""

EVERYBODY_DOWN: Final = {BRIDGE: DOWN, INTAKE: DOWN, STATS: DOWN}
EXPECTED: Final[Mapping[str, Mapping[str, str]]] = {
    "disk-full": EVERYBODY_DOWN,
    "table-locked": EVERYBODY_DOWN,
    "store-read-only": EVERYBODY_DOWN,
    "two-brokers-gone-long": {BRIDGE: DEGRADED, INTAKE: DOWN, STATS: DOWN},
}
"""Kind of fault -> role of a service that it strikes -> what that service says once the fault has lasted."""


def role_of(service: str) -> str:
    """Return a service's role."""
    return service if service in {INTAKE, STATS} else BRIDGE
