"""Catalogue of the hub's topics.

They are created from these rows and from no other place.
"""

from __future__ import annotations

from typing import Final

from dispute.lifecycle.vocabulary import DOCKED
from hub.streams.topics import DAY_MS, FOREVER_MS, Topic

BRIDGES: Final = tuple(f"{channel}_bridge" for channel in DOCKED)

HANDOFFS: Final = Topic(
    name="dispute.handoffs.v1",
    record="hub.handoff.v1.Handoff",
    ce_type="cn.santiao.handoffs.batch.v1",
    producers=BRIDGES,
    readers=("intake",),
    owner="intake",
    retention_ms=30 * DAY_MS,
)
JOURNAL: Final = Topic(
    name="dispute.journal.v1",
    record="hub.journal.v1.JournalEvent",
    ce_type="cn.santiao.journal.batch.v1",
    producers=("intake",),
    readers=("stats", *BRIDGES),
    owner="intake",
    retention_ms=FOREVER_MS,
)
CATALOGUE: Final = (HANDOFFS, JOURNAL)
"""Topics of numbered streams."""
CREDENTIALS: Final = Topic(
    name="access.credentials.v1",
    record="hub.access.v1.CredentialBeat",
    ce_type="",
    producers=("intake",),
    readers=("stats", *BRIDGES),
    owner="intake",
    retention_ms=7 * DAY_MS,
    whole=True,
)
"""Which credentials hold (ADR-0018)."""
TOPICS: Final = (*CATALOGUE, CREDENTIALS)
"""Every topic."""
