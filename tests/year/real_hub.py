"""The whole hub as it runs: five processes and a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from ops.run.credentials import PEOPLE, make
from ops.run.launcher import Hub, LaunchPlan, Say
from services.intake.settings import IntakeSettings
from tests.year.doors import Doors, opened
from tests.year.plan import DOCKED
from tests.year.townspeople import COUNTY

HUBS: Final = ("memory", "kafka")


@asynccontextmanager
async def real_hub(folder: Path, store: str, say: Say) -> AsyncIterator[tuple[Doors, IntakeSettings]]:
    """Run a hub on the scenario clock.

    Args:
        folder: Of the run: stores, keys, logs, broker data.
        store: sqlite or postgres.
        say: Gets progress lines.

    Yields:
        Its clients, and the settings that open intake's store.
    """
    agencies = {name: f"{name}-{COUNTY}" for name in DOCKED}
    credentials = make(folder / "credentials", [(agency, COUNTY) for agency in agencies.values()], (*PEOPLE, "court"))
    keys = {name: credentials.keys[agency] for name, agency in agencies.items()}
    async with Hub(LaunchPlan(folder, store), say) as hub:
        addresses = {child.name: child.grpc_address for child in hub.children}
        values: dict[str, Any] = {
            "store_url": hub.store_url("intake"),
            "kafka_bootstrap": hub.broker.bootstrap,
            "grpc_port": 0,
            "http_port": 0,
            "keys_dir": folder / "keys",
            "clock": "scenario",
        }
        async with opened(addresses, keys, credentials.tokens) as doors:
            yield doors, IntakeSettings(**values)
