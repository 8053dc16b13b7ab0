"""The kit: parts in the order that keeps promises, and health that knows the bus from the first try."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped] # no stubs
from msgspec.structs import replace

from dispute.access.roles import role_table
from dispute.contracts.topics import HANDOFFS, TOPICS
from hub.access.credential import NEVER, Credential, digest_of, id_of, new_token, openid_digest
from hub.access.credential_set import CredentialSet
from hub.access.openid import ProviderKeys
from hub.audit.chain import AuditEntry, append, begin
from hub.errors import Refused
from hub.grpc.client import channel
from hub.http.server import HttpServer
from hub.refusals import BUS_UNAVAILABLE
from hub.runtime.clock import WallClock
from hub.runtime.health import Bearing
from hub.runtime.settings import ServiceSettings
from hub.service.bus import memory
from hub.service.kit import Assembly, Kit
from hub.streams.memory import MemoryBus
from hub.wire.books.v1 import books_pb2
from tests.support.issuer import ISSUER, LocalIssuer
from tests.support.tree import ROOT


def away() -> None:
    raise BUS_UNAVAILABLE.error(after_s=0.01, why="no broker answers")


def assembled(folder: Path, *, bus_away: bool = False, **changes: Any) -> tuple[Kit, Assembly]:  # noqa: ANN401 - any setting
    settings = ServiceSettings(
        store_url=f"sqlite:///{folder / 'store.db'}",
        kafka_bootstrap="127.0.0.1:9",
        kafka_partitions=2,
        grpc_port=0,
        http_port=0,
        keys_dir=folder / "keys",
        **changes,
    )
    versions = folder / "versions"
    versions.mkdir()
    ports = memory(MemoryBus(TOPICS, partitions=2), away) if bus_away else memory(MemoryBus(TOPICS, partitions=2))
    kit = Kit("court_bridge", settings, ports, versions, table=role_table(), clock=WallClock())
    kit.outbox(HANDOFFS)
    built = kit.assemble(
        "A service",
        concerns=(kit.writes("writes"), kit.relays("relays"), kit.reads("reads", Bearing.APPLYING, "reads")),
        services=[],
        books=lambda _: books_pb2.GetBooksResponse(),
    )
    return kit, built


def test_the_store_opens_first_and_the_servers_last(tmp_path: Path) -> None:
    kit, built = assembled(tmp_path)
    assert [part.name for part in built.parts] == [
        "store",
        "store-probe",
        "head-check",
        "denials",
        "credential_uses",
        "credential_news",
        "provisioner",
        "relay",
        "publisher",
        "dead-letter-relay",
        "grpc",
        "http",
        "health",
    ]
    kit.store.close()


async def test_a_service_serves_before_its_bus_is_there_and_says_so(tmp_path: Path) -> None:
    _, built = assembled(tmp_path, bus_away=True)
    for part in built.parts:
        await part.start()
    try:
        async with asyncio.timeout(10), httpx2.AsyncClient(trust_env=False) as client:
            told: dict[str, Any] = {"status": "ok"}
            while told["status"] == "ok":
                told = (await client.get(f"http://127.0.0.1:{built.http.port}/healthz")).json()
        assert {name: part["reason"] for name, part in told["parts"].items()} == {
            "writes": "",
            "relays": "bus_unavailable",
            "reads": "bus_unavailable",
            "sources": "",
            "credentials": "",
            "audit": "",
        }
        assert built.grpc.port
    finally:
        for part in reversed(built.parts):
            await part.stop()


async def test_with_an_identity_provider_its_keys_are_a_part_and_a_concern(tmp_path: Path) -> None:
    async with LocalIssuer("rsa-1").serving() as issuer:
        kit, built = assembled(tmp_path, **dict[str, Any](issuer.settings))
        names = [part.name for part in built.parts]
        assert names.index("openid_keys") < names.index("grpc")
        digest = openid_digest(ISSUER, "staff-7", 1)
        its = Credential(id_of(digest), digest, "clerk-7", "clerk", frozenset(), "", NEVER)
        now, own = datetime.now(UTC), new_token()
        kit.verifier.take(CredentialSet(1, (its, replace(its, token_sha256=digest_of(own), holder="court-620725"))))
        token = issuer.token("staff-7", now)
        assert kit._identify(token) is None
        (keys,) = (part for part in built.parts if isinstance(part, ProviderKeys))
        for reason in ("openid_keys_old", ""):
            app = httpx2.ASGITransport(built.app)
            async with httpx2.AsyncClient(transport=app, base_url="http://kit") as client:
                answer = (await client.get("/healthz")).json()
            assert answer["parts"]["openid"]["reason"] == reason
            assert ("身份提供方公钥未更新" in answer["detail"]) == bool(reason)
            await keys.step()
        assert (kit._identify(token), kit._identify(own)) == ("clerk-7", "court-620725")
        with pytest.raises(Refused) as error:
            kit.gate.admit("hub.intake.v1.IntakeService/GetClock", token, "127.0.0.1")
        assert error.value.code == "credentials_stale", "no beat was heard: a person is one, whoever says who it is"
        kit.store.close()


def test_without_an_identity_provider_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    """In a process of its own: other tests have loaded it in this one."""
    program = """
import sys
from pathlib import Path
from dispute.contracts.topics import TOPICS
from hub.service.bus import memory
from hub.streams.memory import MemoryBus
from services.stats.settings import StatsSettings
from services.stats.wiring import build
folder = Path(sys.argv[1])
more = {"openid_issuer": "a", "openid_audience": "b", "openid_jwks_url": "https://c/"} if sys.argv[2:] else {}
more |= {"store_url": f"sqlite:///{folder}/s.db", "kafka_bootstrap": "127.0.0.1:9", "keys_dir": folder}
settings = StatsSettings(grpc_port=0, http_port=0, **more)
build(settings, memory(MemoryBus(TOPICS, partitions=2)))
print([name for name in ("jwt", "httpx2", "hub.access.openid") if name in sys.modules])
"""
    loaded = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), *more], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for more in ((), ("with a provider",))
    ]
    assert loaded == ["[]", "['jwt', 'httpx2', 'hub.access.openid']"]


async def test_an_audit_above_its_bound_is_said_and_stops_nothing(tmp_path: Path) -> None:
    kit, built = assembled(tmp_path, audit_rows_most=1)
    store, *others = built.parts
    await store.start()
    entries = [AuditEntry(WallClock().now(), "call")] * 2
    await kit.store.write(begin)
    await kit.store.write(lambda tx: append(tx, entries))
    for part in others:
        await part.start()
    try:
        async with asyncio.timeout(10), httpx2.AsyncClient(trust_env=False) as client:
            said: dict[str, Any] = {"parts": {"audit": {"reason": ""}}}
            while not said["parts"]["audit"]["reason"]:
                answer = await client.get(f"http://127.0.0.1:{built.http.port}/healthz")
                said = answer.json()
        assert (answer.status_code, said["status"], said["parts"]["audit"]["reason"]) == (
            200,
            "degraded",
            "audit_too_large",
        )
        assert "审计条目过多" in said["detail"]
        assert kit.metrics.registry.get_sample_value("hub_audit_rows") == 2
    finally:
        for part in reversed(built.parts):
            await part.stop()


def test_the_release_is_told(tmp_path: Path) -> None:
    kit, _ = assembled(tmp_path)
    (sample,) = next(m for m in kit.metrics.registry.collect() if m.name == "hub_build_info").samples
    assert sample.labels["service"] == "court_bridge"
    assert sample.labels["version"]
    kit.store.close()


async def test_health_and_metrics_may_have_a_port_of_their_own(tmp_path: Path) -> None:
    _, built = assembled(tmp_path, ops_port=0, grpc_reflection=False)
    for part in built.parts:
        await part.start()
    try:
        (ops,) = (part for part in built.parts if isinstance(part, HttpServer) and part is not built.http)
        async with asyncio.timeout(10), httpx2.AsyncClient(trust_env=False) as client:
            answers = {
                (port, path): (await client.get(f"http://127.0.0.1:{port}{path}")).status_code
                for port in (ops.port, built.http.port)
                for path in ("/livez", "/metrics")
            }
        assert [answers[ops.port, path] for path in ("/livez", "/metrics")] == [200, 200]
        assert [answers[built.http.port, path] for path in ("/livez", "/metrics")] == [404, 404]
        async with channel(f"127.0.0.1:{built.grpc.port}") as line:
            stub = reflection_pb2_grpc.ServerReflectionStub(line)
            asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stub.ServerReflectionInfo(asked, timeout=5).read()
        assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        for part in reversed(built.parts):
            await part.stop()
