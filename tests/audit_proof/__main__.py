"""Runs `make audit`; see the package. Prints one JSON line; exits with 1 when anything is not as it must be.

Intake runs as a process without a Kafka. Handlers give commands to a dispute that does not exist, which is refused and
written down; the process is killed again and again meanwhile. Every call that was answered has to be there once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import grpc

from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from hub.audit.chain import AuditEntry, ChainEnd, entries, verify
from hub.grpc.call import CORRELATION_KEY
from hub.grpc.client import bearer, channel
from hub.store.snapshots import snapshot
from ops.run.broker.ports import free_ports
from ops.run.children import Child
from ops.run.credentials import FOLDER, PEOPLE, make
from tests.audit_proof.tampering import found
from tests.support.journals import until

ENTRIES: Final = 10_000
KILLS: Final = 5
AT_ONCE: Final = 16
CALL_S: Final = 20.0
PATIENCE_S: Final = 300.0
NOBODY: Final = "00000000-0000-5000-8000-000000000000"


class Proof:
    """One run.

    Args:
        folder: Empty.
    """

    def __init__(self, folder: Path) -> None:
        made = make(folder / FOLDER, (), PEOPLE)
        self._tokens = made.tokens
        self._store = folder / "intake.db"
        grpc_port, http_port = free_ports(2)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")}
        environment = {
            "HUB_STORE_URL": f"sqlite:///{self._store}",
            "HUB_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "HUB_KEYS_DIR": str(folder / "keys"),
            "HUB_GRPC_PORT": str(grpc_port),
            "HUB_HTTP_PORT": str(http_port),
            "HUB_CREDENTIALS_FILE": str(made.file),
        }
        self._child = Child("intake", 1, kept | environment, folder)
        self._folder = folder
        self._answered: list[str] = []
        self._left = ENTRIES
        self._stub: Any = None

    async def run(self) -> dict[str, Any]:
        """Make the entries, kill, verify, tamper."""
        self._child.start()
        await self._child.wait_ready()
        line = channel(self._child.grpc_address)
        self._stub = intake_pb2_grpc.IntakeServiceStub(line)
        try:
            killing = asyncio.create_task(self._kill())
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._call())
            kills = await killing
            await self._look()
        finally:
            await line.close()
            self._child.terminate()
            await self._child.wait_ended()
        return self._judged(kills)

    async def _kill(self) -> int:
        """Kill the process at even shares of the work; returns how often."""
        for number in range(1, KILLS + 1):
            await until(partial(self._has_answered, ENTRIES * number // (KILLS + 1)), seconds=PATIENCE_S)
            self._child.kill()
            await self._child.wait_ended()
            self._child.start()
            await self._child.wait_ready()
        return KILLS

    async def _has_answered(self, count: int) -> bool:
        return len(self._answered) >= count

    async def _call(self) -> None:
        while self._left > 0:
            self._left -= 1
            correlation_id = uuid4().hex
            if not await self._given(correlation_id):
                self._left += 1  # nobody knows what became of it: it may be there, and another one is made
                await asyncio.sleep(0.05)
                continue
            self._answered.append(correlation_id)

    async def _given(self, correlation_id: str) -> bool:
        command = command_pb2.Command(command_id=str(uuid4()), dispute_id=NOBODY)
        command.occurred_at.FromSeconds(1_700_000_000)
        command.sign.SetInParent()
        metadata = (*bearer(self._tokens["handler"]), (CORRELATION_KEY, correlation_id))
        try:
            await self._stub.Execute(intake_pb2.ExecuteRequest(command=command), timeout=CALL_S, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.NOT_FOUND
        return False

    async def _look(self) -> None:
        """Look at somebody as an auditor, who may not."""
        request = intake_pb2.GetPartiesRequest(dispute_id=NOBODY, purpose="handling")
        with suppress(grpc.aio.AioRpcError):
            await self._stub.GetParties(request, timeout=CALL_S, metadata=bearer(self._tokens["auditor"]))

    def _judged(self, kills: int) -> dict[str, Any]:
        with snapshot(f"sqlite:///{self._store}") as tx:
            end = verify(tx)
            its: list[AuditEntry] = [entry for _, entry in entries(tx)]
        times = Counter(entry.correlation_id for entry in its)
        lost = sum(times[each] == 0 for each in self._answered)
        twice = sum(times[each] > 1 for each in self._answered)
        looks = [entry for entry in its if entry.call.endswith("/GetParties") and entry.denied == "not_for_role"]
        tampered = found(self._store, self._folder, end) if isinstance(end, ChainEnd) else {}
        told = {
            "entries": len(its),
            "answered": len(self._answered),
            "kills": kills,
            "lost": lost,
            "twice": twice,
            "verify": "ok" if isinstance(end, ChainEnd) else f"{end.why} at {end.position}",
            "denied_look": len(looks) == 1 and looks[0].holder == "auditor-1",
            "tampering": tampered,
        }
        whole = lost == twice == 0 and told["verify"] == "ok" and told["denied_look"]
        return told | {"ok": whole and len(its) >= ENTRIES and bool(tampered) and all(tampered.values())}


def main() -> int:
    """Run it, and print the verdict."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(Proof(Path(folder)).run())
    sys.stdout.write(json.dumps(told | {"seconds": round(time.monotonic() - began, 1)}, ensure_ascii=False) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
