"""Moves leaders of partitions, as a broker that comes back or an operator does."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from kafka import TopicPartition

from hub.kafka.bus import Bus
from hub.kafka.clients import admin

PREFERRED: Final = 0
LOOK_S: Final = 0.2


def next_first(leader: int, replicas: Sequence[int]) -> list[int]:
    """Return the replicas with the one after the leader first: never the leader, whoever was preferred before."""
    after = (replicas.index(leader) + 1) if leader in replicas else 1
    return [*replicas[after:], *replicas[:after]]


def move_leaders(bus: Bus, topics: Collection[str], within_s: float, *, of: Collection[int] = ()) -> tuple[int, int]:
    """Make another replica the preferred leader of partitions, and elect it; blocks.

    Args:
        bus: A cluster of several brokers.
        topics: Whose partitions.
        within_s: Time that all get to move.
        of: Numbers of partitions; none means all.

    Returns:
        How many moved, and of how many.
    """
    with admin(bus) as client:
        before = _leaders(client, topics, of)
        orders = {place: next_first(leader, replicas) for place, (leader, replicas) in before.items()}
        client.alter_partition_reassignments(orders)
        moved, end = 0, time.monotonic() + within_s
        while moved < len(before) and time.monotonic() < end:
            # refused while the new order is not known everywhere, or its first replica not in sync
            client.elect_leaders(PREFERRED, raise_errors=False)
            now = _leaders(client, topics, of)
            moved = sum(now[place][0] not in {leader, -1} for place, (leader, _) in before.items())
            if moved < len(before):
                time.sleep(LOOK_S)
    return moved, len(before)


def spread_leaders(bus: Bus, topics: Collection[str], within_s: float) -> bool:
    """Elect the preferred leader of every partition, which are on all brokers in turn; blocks.

    After a broker was gone, those that stayed lead everything for minutes.

    Returns:
        Whether every partition is led by its preferred replica.
    """
    with admin(bus) as client:
        end = time.monotonic() + within_s
        while True:
            # refused while the first replica is not in sync
            client.elect_leaders(PREFERRED, raise_errors=False)
            led = _leaders(client, topics, ()).values()
            spread = all(leader == replicas[0] for leader, replicas in led)
            if spread or time.monotonic() > end:
                return spread
            time.sleep(LOOK_S)


def _leaders(
    client: Any,  # noqa: ANN401 - kafka-python has no types
    topics: Collection[str],
    of: Collection[int],
) -> dict[TopicPartition, tuple[int, list[int]]]:
    return {
        TopicPartition(topic["name"], row["partition_index"]): (row["leader_id"], row["replica_nodes"])
        for topic in client.describe_topics(list(topics))
        for row in topic["partitions"]
        if not of or row["partition_index"] in of
    }
