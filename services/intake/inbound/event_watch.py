"""Streams committed journal events from a position on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

from dispute.refusals.interfaces import NOT_OUR_STREAM
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.store.store import Store, Transaction
from hub.streams.envelope import StreamName
from hub.streams.outbox import Outbox, Row
from hub.wire.stream.v1 import stream_pb2
from services.intake.inbound.commits import CommitSignal

CHUNK: Final = 500
ASK_EVERY_S: Final = 1.0
"""Commits of other workers give no signal in this process."""


async def watch(
    store: Store, outbox: Outbox, commits: CommitSignal, after: Mapping[StreamName, int], types: Collection[str]
) -> AsyncIterator[intake_pb2.WatchEventsResponse]:
    """Yield events after a position, for ever.

    A stream that is not named starts now.

    Raises:
        Rejected: `not_our_stream`.
    """
    if any(stream.producer != outbox.producer for stream in after):
        raise NOT_OUR_STREAM.error(producer=outbox.producer)
    places = {stream.shard: position for stream, position in (await store.read(outbox.heads)).items()}
    # A position of an earlier epoch is valid too: positions of a shard go on across epochs.
    places.update({stream.shard: position for stream, position in after.items()})
    wanted = frozenset(types)
    while True:
        count = commits.count
        found = await store.read(lambda tx: _after(tx, outbox, places))
        for shard, rows in found.items():
            places[shard] = rows[-1].position
            events = [journal_pb2.JournalEvent.FromString(row.record) for row in rows]
            if chosen := [event for event in events if not wanted or event.type in wanted]:
                name = StreamName(outbox.producer, shard, rows[-1].epoch)
                place = stream_pb2.StreamPosition(stream=str(name), position=rows[-1].position)
                yield intake_pb2.WatchEventsResponse(events=chosen, position=place)
        if not found:
            await commits.wait(count, ASK_EVERY_S)


def _after(tx: Transaction, outbox: Outbox, places: Mapping[int, int]) -> dict[int, list[Row]]:
    heads = {stream.shard: position for stream, position in outbox.heads(tx).items()}
    behind = [shard for shard, head in sorted(heads.items()) if head > places.get(shard, 0)]
    return {shard: rows for shard in behind if (rows := outbox.read(tx, shard, places.get(shard, 0), CHUNK))}
