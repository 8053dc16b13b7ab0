"""Intake's store as a disk that dies: backups, their restore, and the recovery after it."""

from __future__ import annotations

from hub.store.store import Store
from hub.streams.memory_log import MemoryLog
from services.intake.cases.tables import intake_metadata
from services.intake.wiring import recover_store
from tests.support.backups import Backup, back_up, put_back
from tests.support.intake_rig import IntakeClient, Rig
from tests.support.journals import until


class Disk:
    """Intake's store while intake is stopped."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    async def backup(self) -> Backup:
        store = Store(self._rig.store_url)
        try:
            return await back_up(store, intake_metadata)
        finally:
            store.close()

    async def restore(self, backup: Backup) -> None:
        store = Store(self._rig.store_url)
        try:
            await put_back(store, backup, intake_metadata)
        finally:
            store.close()

    def recover(self) -> int:
        intake = self._rig.built()
        intake.store.close()
        settings = self._rig.settings()
        return recover_store(settings, MemoryLog(self._rig.bus)).records


async def sent(client: IntakeClient) -> None:
    """Wait until the journal has everything."""

    async def everything() -> bool:
        return not await client.intake.store.read(client.intake.outbox.unsent)

    await until(everything)
