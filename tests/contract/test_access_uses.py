"""When credentials were last used, on SQLite and PostgreSQL: written once a minute, never back, over all services."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.access.tables import access_use
from hub.access.uses import EVERY_S, UseRecorder, last_uses, write_uses
from hub.refusals import STORE_BUSY, STORE_UNAVAILABLE
from hub.store.migrate import migrate
from hub.store.store import Store, Transaction
from ops.run.credential_commands import seen_uses
from tests.support.stores import OpenStore

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Writes:
    """Counts the units that a store is given, and refuses some."""

    def __init__(self, store: Store, patch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.refusing: Callable[[], Exception] | None = None
        self._write = store.write
        patch.setattr(store, "write", self._counted)

    async def _counted(self, unit: Callable[[Transaction], Any]) -> Any:  # noqa: ANN401 - of any unit
        self.count += 1
        if self.refusing is not None:
            raise self.refusing()
        return await self._write(unit)


async def test_the_minute_of_the_last_use_is_kept(store: Store) -> None:
    uses = UseRecorder(store)
    uses.note("c-1", NOW)
    uses.note("c-1", NOW + MINUTE + 59 * SECOND)
    uses.note("c-2", NOW + 1 * SECOND)
    assert await store.read(last_uses) == {}, "a use is written by a step"
    assert await uses.step() == EVERY_S == 60
    assert await store.read(last_uses) == {"c-1": NOW + MINUTE, "c-2": NOW}


async def test_only_what_is_new_is_written_and_once_for_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writes, uses = Writes(store, monkeypatch), UseRecorder(store)
    await uses.step()
    assert writes.count == 0, "nothing was used"
    for number in range(1000):
        uses.note(f"c-{number % 10}", NOW + timedelta(milliseconds=number))
    await uses.step()
    assert writes.count == 1
    uses.note("c-1", NOW + 30 * SECOND)
    await uses.step()
    assert writes.count == 1, "the same minute is no news"
    uses.note("c-1", NOW + MINUTE)
    await uses.step()
    assert writes.count == 2


async def test_a_use_never_goes_back(store: Store, open_store: OpenStore) -> None:
    await store.write(lambda tx: write_uses(tx, {"c-1": NOW + 5 * MINUTE, "c-2": NOW}))
    other = UseRecorder(open_store())  # another worker, or the same after a restart, whose clock is behind
    for of, at in (("c-1", NOW), ("c-2", NOW + MINUTE)):
        other.note(of, at)
    await other.step()
    assert await store.read(last_uses) == {"c-1": NOW + 5 * MINUTE, "c-2": NOW + MINUTE}
    other.note("c-2", NOW - MINUTE)
    await other.step()
    assert await store.read(last_uses) == {"c-1": NOW + 5 * MINUTE, "c-2": NOW + MINUTE}


async def test_what_cannot_be_written_waits_with_what_comes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writes, uses = Writes(store, monkeypatch), UseRecorder(store)

    def busy() -> Exception:
        uses.note("c-1", NOW + MINUTE)  # while it is tried
        return STORE_BUSY.error(after_s=90.0)

    writes.refusing = busy
    for of in ("c-1", "c-2", "c-3"):
        uses.note(of, NOW)
    assert await uses.step() == 90, "as long as the store wants"
    writes.refusing = lambda: STORE_UNAVAILABLE.error(after_s=0.5)
    uses.note("c-2", NOW - 5 * MINUTE)
    uses.note("c-3", NOW + 2 * MINUTE)
    assert await uses.step() == EVERY_S, "no oftener than else"
    writes.refusing = None
    await uses.step()
    assert await store.read(last_uses) == {"c-1": NOW + MINUTE, "c-2": NOW, "c-3": NOW + 2 * MINUTE}


async def test_a_stop_writes_what_is_left(store: Store) -> None:
    uses = UseRecorder(store)
    uses.note("c-1", NOW)
    await uses.stop()
    assert await store.read(last_uses) == {"c-1": NOW}


async def test_two_workers_lock_rows_in_one_order(store: Store) -> None:
    ran: list[Any] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *of: ran.append(of[3]))
    await store.write(lambda tx: write_uses(tx, {f"c-{number}": NOW for number in (3, 1, 2)}))
    named = re.findall(r"c-\d", repr(ran))
    assert list(dict.fromkeys(named)) == ["c-1", "c-2", "c-3"]


async def test_the_newest_over_all_services_counts(store: Store, store_url: str, tmp_path: Path) -> None:
    await store.write(lambda tx: write_uses(tx, {"c-1": NOW, "c-2": NOW + MINUTE}))
    url = f"sqlite:///{tmp_path / 'stats.db'}"
    other = Store(url)
    migrate(other)
    await other.write(lambda tx: write_uses(tx, {"c-1": NOW + MINUTE, "c-2": NOW, "c-3": NOW}))
    other.close()
    newest = {"c-1": NOW + MINUTE, "c-2": NOW + MINUTE, "c-3": NOW}
    assert (
        seen_uses({"intake": store_url, "stats": url}) == seen_uses({"stats": url, "intake": store_url}) == (newest, [])
    )
    assert seen_uses({}) == ({}, [])
    gone = f"sqlite:///{tmp_path / 'gone' / 'stats.db'}"
    found, (line,) = seen_uses({"stats": gone, "intake": store_url})
    assert found == {"c-1": NOW, "c-2": NOW + MINUTE}
    assert line.startswith("stats: store_unavailable")


async def test_a_store_of_an_earlier_release_has_seen_nothing(store: Store, store_url: str) -> None:
    await store.write(lambda tx: tx.execute(sa.schema.DropTable(access_use)))
    assert seen_uses({"intake": store_url}) == ({}, [])
