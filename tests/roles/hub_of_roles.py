"""A hub in this process with somebody of every role, and a dispute in every state."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import grpc
import httpx2
from msgspec.structs import replace

from bridge.assembly import Bridge, assemble
from bridge.settings import BridgeSettings
from dispute.contracts.topics import BRIDGES, TOPICS
from dispute.lifecycle import State, dispute_id_of
from dispute.lifecycle.identity import event_id_of
from dispute.lifecycle.vocabulary import DOCKED, Role
from hub.access.credential import digest_of, new_token
from hub.grpc.client import Metadata, bearer, channel
from hub.runtime.clock import FixedClock
from hub.runtime.keys import load_or_create
from hub.service.bus import memory
from hub.store.store import Transaction
from hub.streams.memory import MemoryBus
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.recovery import Recalled, take_back
from services.intake.cases.register import StoreRegister
from services.intake.cases.sealed_exits import SealedExits
from services.intake.settings import IntakeSettings
from services.intake.wiring import Intake
from services.intake.wiring import build as build_intake
from services.stats.settings import StatsSettings
from services.stats.wiring import build as build_stats
from tests.support.intake import BOOK
from tests.support.lifecycle import ORGAN, REGISTER, reach

NOW: Final = datetime(2026, 11, 20, 4, tzinfo=UTC)
COUNTY: Final = "620725"


@dataclass(frozen=True)
class HubOfRoles:
    """A running hub.

    Attributes:
        lines: Service to a channel to it.
        webs: Channel of an agency to an HTTP client of its bridge.
        bridges: Channel of an agency to its bridge.
        disputes: State to a dispute in it.
        tokens: Holder to token; an agency is a holder of its own, everybody else is `ROLE-1`.
    """

    lines: Mapping[str, grpc.aio.Channel]
    webs: Mapping[str, httpx2.AsyncClient]
    bridges: Mapping[str, Bridge[Any]]
    disputes: Mapping[State, str]
    tokens: Mapping[str, str]

    def token(self, role: str, at: str = "court") -> str:
        """Return the token of a role; of an agency, that of a channel."""
        return self.tokens[f"{at}-{COUNTY}" if role == Role.AGENCY else f"{role}-1"]

    def who(self, role: str, at: str = "court") -> Metadata:
        """Return the metadata of the same."""
        return bearer(self.token(role, at))


@asynccontextmanager
async def hub_of_roles(folder: Path) -> AsyncIterator[HubOfRoles]:
    """Run a hub on an empty folder."""
    bus, clock = MemoryBus(TOPICS, 2), FixedClock(NOW)
    holders = {f"{name}-{COUNTY}": str(Role.AGENCY) for name in DOCKED}
    # A file can name any role; that of the timers is the hub's own, and lets nobody do anything.
    holders |= {f"{role}-1": str(role) for role in Role if role is not Role.AGENCY}
    tokens = {holder: new_token() for holder in holders}
    file = _file(folder, holders, tokens)

    def settings(name: str) -> dict[str, Any]:
        return {
            "store_url": f"sqlite:///{folder / name}.db",
            "kafka_bootstrap": "127.0.0.1:1",
            "kafka_partitions": 2,
            "grpc_port": 0,
            "http_port": 0,
            "keys_dir": folder / "keys",
            "credentials_file": file,
        }

    intake = build_intake(IntakeSettings(**settings("intake"), clock="scenario"), memory(bus), clock)
    stats = build_stats(StatsSettings(**settings("stats")), memory(bus), clock)
    bridges: dict[str, Bridge[Any]] = {
        name: assemble(
            import_module(f"services.{name}_bridge.specification").SPECIFICATION,
            BridgeSettings(**settings(f"{name}_bridge")),
            memory(bus),
            clock,
        )
        for name in DOCKED
    }
    async with AsyncExitStack() as stack:
        for part in (*intake.parts, *stats.parts, *(part for bridge in bridges.values() for part in bridge.parts)):
            await part.start()
            stack.push_async_callback(part.stop)
        ports = {"intake": intake.grpc.port, "stats": stats.grpc.port}
        ports |= dict(zip(BRIDGES, (bridge.grpc.port for bridge in bridges.values()), strict=True))
        lines = {name: await stack.enter_async_context(channel(f"127.0.0.1:{port}")) for name, port in ports.items()}
        webs = {
            name: await stack.enter_async_context(
                httpx2.AsyncClient(transport=httpx2.ASGITransport(bridge.app), base_url="http://bridge")
            )
            for name, bridge in bridges.items()
        }
        disputes = await intake.store.write(lambda tx: _in_every_state(tx, intake, folder / "keys"))
        yield HubOfRoles(lines, webs, bridges, disputes, tokens)


def _file(folder: Path, holders: Mapping[str, str], tokens: Mapping[str, str]) -> Path:
    rows = [
        {
            "token_sha256": digest_of(tokens[holder]),
            "holder": holder,
            "role": role,
            "area": COUNTY if role == Role.AGENCY else "",
            "expires_at": (NOW + timedelta(days=30)).isoformat(),
        }
        for holder, role in holders.items()
    ]
    path = folder / "credentials.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def _in_every_state(tx: Transaction, intake: Intake, keys: Path) -> dict[State, str]:
    """Write a dispute in every state into a register, as a recovery does; returns their ids."""
    vault = PartyVault(keys)
    exits = SealedExits(load_or_create(keys, "discipline").secret)
    register = StoreRegister(tx, intake.outbox, vault, FixedClock(NOW), "scenario", exits=exits)
    found = {state: dispute_id_of(ORGAN, f"in {state}") for state in State}
    events = [
        replace(event, dispute_id=dispute_id, event_id=event_id_of(dispute_id, event.sequence))
        for state, dispute_id in found.items()
        for event in reach(state, REGISTER).events
    ]
    register.lock(found.values())
    places = register.append([(event.dispute_id, register.record_of(event)) for event in events])
    take_back(register, [Recalled(event, place, NOW) for event, place in zip(events, places, strict=True)], BOOK)
    return found
