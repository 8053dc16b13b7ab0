"""A bare loop as the upper bound.

It reads with confluent-kafka and decodes the protobuf, and does nothing else.
"""

from __future__ import annotations

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from bench.peers.counting import Meter, Orders, orders, tell
from dispute.wire.journal.v1 import journal_pb2
from hub.wire.stream.v1 import stream_pb2

TAKEN = 500
WAIT_S = 1.0


def main(given: Orders) -> None:
    """Decode `told.events` events."""
    consumer = Consumer({"bootstrap.servers": given.bootstrap, "group.id": given.name, "enable.auto.commit": False})
    partitions = consumer.list_topics(given.topic, timeout=10).topics[given.topic].partitions
    consumer.assign([TopicPartition(given.topic, number, OFFSET_BEGINNING) for number in partitions])
    event, batch = journal_pb2.JournalEvent.FromString, stream_pb2.Batch.FromString
    meter = Meter()
    seen = 0
    while seen < given.events:
        for message in consumer.consume(TAKEN, WAIT_S):
            meter.first()
            if message.error():
                raise KafkaException(message.error())
            if given.form == "single":
                event(message.value())
                seen += 1
                continue
            records = batch(message.value()).records
            for record in records:
                event(record)
            seen += len(records)
    tell(meter.end(), events=seen, counted=seen)
    consumer.close()


if __name__ == "__main__":
    main(orders())
