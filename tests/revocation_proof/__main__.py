"""Runs `make revocation`; see the package. Prints one JSON line; exits with 1 when anything is not as it must be.

Five processes and a real Kafka. An auditor, who may read the books of each service, and an agency are issued and
revoked again and again; each service is asked all the time. Then a token is rotated several times under load: the new
one is issued a second before it is used, the old one ends a second after.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import grpc
import httpx2

from hub.grpc.client import bearer, channel
from hub.wire.access.v1 import access_pb2, access_pb2_grpc
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from ops.run.credentials import FOLDER, make
from ops.run.launcher import SERVICES, Hub, LaunchPlan

ROUNDS: Final = 10
ROTATIONS: Final = 5
WORKERS: Final = 4
BOUND_S: Final = 1.0
PATIENCE_S: Final = 10.0
COUNTY: Final = "620725"
UNAUTHORIZED: Final = 401

ASKING: Final = {"HUB_GUESSES_PER_MINUTE": "1000000"}
"""Each service is asked a hundred times a second whether it refuses already: that is many wrong credentials."""

Ask = Callable[[str], Awaitable[bool]]
"""Tells whether a token is let pass."""


class Proof:
    """One run on a running hub.

    Args:
        hub: It.
        operator: Token of an operator.
        stack: Closes the connections.
    """

    def __init__(self, hub: Hub, operator: str, stack: AsyncExitStack) -> None:
        lines = {child.name: channel(child.grpc_address) for child in hub.children}
        for line in lines.values():
            stack.push_async_callback(line.close)
        self._books = {name: books_pb2_grpc.BooksServiceStub(line) for name, line in lines.items()}
        self._access: Any = access_pb2_grpc.AccessServiceStub(lines["intake"])
        (court,) = hub.of("court_bridge")
        self._web = httpx2.AsyncClient(base_url=court.http_url, timeout=5.0)
        stack.push_async_callback(self._web.aclose)
        self._operator = bearer(operator)

    async def run(self) -> dict[str, Any]:
        """Revoke and rotate; return the verdict."""
        known: dict[str, list[float]] = {}
        refused: dict[str, list[float]] = {}
        asked: dict[str, tuple[str, str, Ask]] = {name: ("auditor-9", "auditor", self._asks(name)) for name in SERVICES}
        asked["court_bridge REST"] = (f"court-{COUNTY}-9", "agency", self._asks_web)
        for _ in range(ROUNDS):
            for holder, role in {(holder, role) for holder, role, _ in asked.values()}:
                of = {name: ask for name, (who, _, ask) in asked.items() if who == holder}
                made = await self._issue(holder, role)
                for name, seconds in (await self._until(made.token, of, passes=True)).items():
                    known.setdefault(name, []).append(seconds)
                await self._revoke(made.credential.credential_id)
                for name, seconds in (await self._until(made.token, of, passes=False)).items():
                    refused.setdefault(name, []).append(seconds)
        calls, wrongly = await self._rotate()
        slowest = {name: round(max(seconds), 3) for name, seconds in sorted(refused.items())}
        return {
            "rounds": ROUNDS,
            "known_after_s": round(max(max(seconds) for seconds in known.values()), 3),
            "revoked_after_s": slowest,
            "rotations": ROTATIONS,
            "calls": calls,
            "refused_calls": wrongly,
            "ok": max(slowest.values()) <= BOUND_S and len(slowest) == len(asked) and calls > 0 and wrongly == 0,
        }

    async def _issue(self, holder: str, role: str) -> Any:  # noqa: ANN401 - stubs are untyped
        request = access_pb2.IssueCredentialRequest(holder=holder, role=role, area=COUNTY if role == "agency" else "")
        request.expires_at.FromDatetime(datetime.now(UTC) + timedelta(days=1))
        return await self._access.IssueCredential(request, timeout=PATIENCE_S, metadata=self._operator)

    async def _revoke(self, credential_id: str, after_s: float = 0.0) -> None:
        request = access_pb2.RevokeCredentialRequest(credential_id=credential_id)
        if after_s:
            request.at.FromDatetime(datetime.now(UTC) + timedelta(seconds=after_s))
        await self._access.RevokeCredential(request, timeout=PATIENCE_S, metadata=self._operator)

    def _asks(self, name: str) -> Ask:
        async def ask(token: str) -> bool:
            try:
                await self._books[name].GetBooks(
                    books_pb2.GetBooksRequest(), timeout=PATIENCE_S, metadata=bearer(token)
                )
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                    raise
                return False
            return True

        return ask

    async def _asks_web(self, token: str) -> bool:
        answer = await self._web.get("/v1/results", headers={"X-API-Key": token})
        return answer.status_code != UNAUTHORIZED

    async def _until(self, token: str, of: dict[str, Ask], *, passes: bool) -> dict[str, float]:
        """Return after how many seconds each one lets a token pass, or refuses it."""
        began = time.monotonic()

        async def one(ask: Ask) -> float:
            while await ask(token) is not passes:
                if time.monotonic() - began > PATIENCE_S:
                    break
                await asyncio.sleep(0.01)
            return time.monotonic() - began

        return dict(zip(of, await asyncio.gather(*map(one, of.values())), strict=True))

    async def _rotate(self) -> tuple[int, int]:
        """Rotate a token under load; returns the calls, and how many were refused."""
        current = await self._issue("auditor-8", "auditor")
        await asyncio.sleep(BOUND_S)
        token, stopping, calls, wrongly = current.token, False, 0, 0

        async def work(ask: Ask) -> None:
            nonlocal calls, wrongly
            while not stopping:
                wrongly += not await ask(token)
                calls += 1

        asks = [self._asks(name) for name in SERVICES for _ in range(WORKERS)]
        working = [asyncio.create_task(work(ask)) for ask in asks]
        for _ in range(ROTATIONS):
            following = await self._issue("auditor-8", "auditor")
            await asyncio.sleep(BOUND_S)
            token = following.token
            await self._revoke(current.credential.credential_id, after_s=BOUND_S)
            current = following
            await asyncio.sleep(2 * BOUND_S)
        stopping = True
        await asyncio.gather(*working)
        return calls, wrongly


async def _run(folder: Path) -> dict[str, Any]:
    made = make(folder / FOLDER, [(f"court-{COUNTY}", COUNTY)])
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(Hub(LaunchPlan(folder, settings=ASKING), _say))
        return await Proof(hub, made.tokens["operator"], stack).run()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Run it, and print the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(_run(Path(folder)))
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
