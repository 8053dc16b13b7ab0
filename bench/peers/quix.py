"""Counts with Quix Streams.

It keeps a stateful count in RocksDB, with or without its changelog.
"""

from __future__ import annotations

from quixstreams import Application, State

from bench.peers.counting import Meter, Orders, keys_of, orders, tell


def main(given: Orders) -> None:
    """Count `told.events` events.

    State is kept by message key, which is the shard, so nothing is repartitioned. This form favours the peer.
    """
    app = Application(
        broker_address=given.bootstrap,
        consumer_group=given.name,
        auto_offset_reset="earliest",
        state_dir=given.folder / "quix",
        use_changelog_topics=given.changelog,
        loglevel="WARNING",
    )
    topic = app.topic(given.topic, key_deserializer="bytes", value_deserializer="bytes")
    meter = Meter()
    counts: dict[tuple[bytes, str], int] = {}
    seen = 0

    def keys(value: bytes) -> list[str]:
        meter.first()
        return list(keys_of(value, given.form))

    def count(key: str, message_key: bytes, _at: int, _headers: object, state: State) -> None:
        nonlocal seen
        now = state.get(key, 0) + 1
        state.set(key, now)
        counts[message_key, key] = now
        seen += 1
        if seen == given.events:
            app.stop()

    stream = app.dataframe(topic).apply(keys, expand=True)
    stream.update(count, stateful=True, metadata=True)
    measured: dict[str, float] = {}
    context = app._processing_context  # noqa: SLF001 - nothing public tells when the last checkpoint is committed
    commit = context.commit_checkpoint

    def committed(*, force: bool = False, revoking: bool = False) -> None:
        commit(force=force, revoking=revoking)
        if seen >= given.events and not measured:
            if not force:
                return
            measured.update(meter.end())

    context.commit_checkpoint = committed
    app.run()
    tell(measured, events=seen, counted=sum(counts.values()))


if __name__ == "__main__":
    main(orders())
