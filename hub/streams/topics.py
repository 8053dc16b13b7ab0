"""The topics of numbered streams.

It defines a row of the catalogue, and the shard and partition of a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zlib import crc32

SHARDS: Final = 24
"""Number of shards of every stream; fixed for ever, because it is part of each stream's name."""

DEFAULT_PARTITIONS: Final = 6
MAX_BATCH_BYTES: Final = 512 * 1024
MAX_BATCH_RECORDS: Final = 2000
FOREVER_MS: Final = -1
DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the catalogue.

    Attributes:
        name: `<domain>.<what>.v<n>`.
        record: Full name of the protobuf message in `Batch.records`.
        ce_type: CloudEvents type of a batch.
        producers: Services that write it.
        readers: Services that read it.
        owner: Service that answers for its content.
        retention_ms: -1 is for ever.
        whole: Each message tells everything and replaces those before: no numbered streams, one partition, no dead
            letters.
    """

    name: str
    record: str
    ce_type: str
    producers: tuple[str, ...]
    readers: tuple[str, ...]
    owner: str
    retention_ms: int
    whole: bool = False

    @property
    def dead_letters(self) -> str:
        """Name of the topic for its dead letters."""
        return f"{self.name}.dlq"


DEAD_LETTER_RETENTION_MS: Final = 90 * DAY_MS


def shard_of(key: str) -> int:
    """Return the shard (0..23) of a dispute id.

    It uses crc32, because Python's `hash()` is salted per process.
    """
    return crc32(key.encode()) % SHARDS


def partition_of(shard: int, partitions: int) -> int:
    """Return the partition of a shard.

    `partitions` divides 24.
    """
    return shard % partitions
