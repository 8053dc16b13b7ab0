"""Rules for the relays' leases (design D12), on both stores: live workers share the shards, and nobody loses a mark."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import JOURNAL
from hub.store.store import Store
from hub.store.tables import relay_worker, stream_lease
from hub.streams.leases import LEASE_S, Lease, Leases, unexpired
from hub.streams.outbox import Outbox
from hub.streams.topics import SHARDS


class Crew:
    """Workers of one store, renewed in turn; `now` is the monotonic clock that all of them see."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._workers: dict[str, Leases] = {}
        self._now = 0.0

    def __getitem__(self, name: str) -> Leases:
        return self._workers.setdefault(name, Leases(self.store, name))

    def renew(self, *names: str) -> dict[str, list[Lease]]:
        """Let a third of a lease's life pass, then let each renew; returns what each took."""
        self._now += LEASE_S
        return {name: list(self[name].renew(self._now)) for name in names}

    def held(self, *names: str) -> list[int]:
        """How many shards each holds; no shard is held twice."""
        shards = [shard for name in names for shard in self[name].held]
        assert len(shards) == len(set(shards))
        return [len(self[name].held) for name in names]

    def dies(self, name: str) -> None:
        """A worker was killed and its time is over."""
        for table, column in ((stream_lease, stream_lease.c.holder), (relay_worker, relay_worker.c.worker)):
            gone = sa.update(table).where(column == name).values(expires_at=0.0)
            self.store.write_blocking(lambda tx, gone=gone: tx.execute(gone))  # type: ignore[misc]

    def mark(self, name: str, shard: int, upto: int) -> int:
        """Let a worker mark a position; returns what the store knows then."""
        self.store.write_blocking(lambda tx: self[name].mark(tx, {shard: upto}))
        known = sa.select(stream_lease.c.sent_upto).where(stream_lease.c.shard == shard)
        return self.store.read_blocking(lambda tx: int(tx.scalar(known) or 0))


@pytest.fixture
def crew(store: Store) -> Crew:
    store.write_blocking(Outbox(JOURNAL, "intake").open)
    return Crew(store)


def test_one_worker_relays_everything(crew: Crew) -> None:
    assert len(crew.renew("one")["one"]) == SHARDS
    assert crew.renew("one") == {"one": []}


def test_a_second_worker_gets_half_once_it_was_seen_twice(crew: Crew) -> None:
    crew.renew("one")
    crew.renew("two", "one")
    assert crew.held("one", "two") == [SHARDS, 0]
    crew.renew("one", "two")
    assert crew.held("one", "two") == [SHARDS // 2, SHARDS // 2]
    assert crew.renew("one", "two") == {"one": [], "two": []}


@pytest.mark.parametrize("workers", [3, 5])
def test_several_workers_share_all_shards(crew: Crew, workers: int) -> None:
    names = [f"w{number}" for number in range(workers)]
    for _ in range(3):
        crew.renew(*names)
    held = crew.held(*names)
    assert sum(held) == SHARDS
    assert max(held) <= -(-SHARDS // workers)


def test_the_shards_of_a_dead_worker_pass_to_the_living(crew: Crew) -> None:
    for _ in range(3):
        crew.renew("one", "two", "three")
    crew.dies("two")
    crew.renew("one", "three")
    assert sum(crew.held("one", "three")) == SHARDS


def test_a_worker_that_leaves_frees_its_place_at_once(crew: Crew) -> None:
    for _ in range(3):
        crew.renew("one", "two")
    crew["two"].release()
    crew.renew("one")
    assert crew.held("one", "two") == [SHARDS, 0]


def test_a_worker_that_came_and_went_moves_nothing(crew: Crew) -> None:
    crew.renew("one")
    crew.renew("two", "one")
    crew["two"].release()
    assert crew.renew("one") == {"one": []}
    assert crew.held("one") == [SHARDS]


def test_a_mark_after_giving_back_changes_nothing_and_marks_never_decrease(crew: Crew) -> None:
    crew.renew("one")
    crew.renew("two", "one")
    before = crew["one"].held
    taken = crew.renew("one", "two")["two"]
    passed = taken[0].shard
    assert passed in before - crew["one"].held
    assert crew.mark("one", passed, 9) == 0
    assert crew.mark("two", passed, 5) == 5
    assert crew.mark("two", passed, 3) == 5
    fences = sa.select(stream_lease.c.fence).where(stream_lease.c.shard == passed)
    assert crew.store.read_blocking(lambda tx: tx.scalar(fences)) == taken[0].fence == 2


def test_a_worker_that_is_started_again_takes_its_own_leases_with_a_new_fence(crew: Crew) -> None:
    crew.renew("one")
    again = Leases(crew.store, "one")
    assert {lease.fence for lease in again.renew(0.0)} == {2}
    assert len(again.held) == SHARDS


def test_a_lease_that_a_clock_ahead_gave_ends_when_the_clock_is_right_again(crew: Crew) -> None:
    """Else the worker of another name waits for an hour, and nothing is published."""
    crew.renew("one", "two")
    crew.renew("one", "two")
    for table in (stream_lease, relay_worker):
        later = sa.update(table).values(expires_at=table.c.expires_at + 3600.0)
        crew.store.write_blocking(lambda tx, later=later: tx.execute(later))  # type: ignore[misc]
    assert crew.store.read_blocking(unexpired) == ""
    assert len(crew.renew("three")["three"]) == SHARDS
    assert crew.store.read_blocking(unexpired) == "three"
