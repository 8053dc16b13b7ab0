from __future__ import annotations

import pytest

from dispute.contracts.topics import HANDOFFS, JOURNAL
from dispute.wire.handoff.v1 import handoff_pb2
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.kafka.publisher import KafkaPublisher
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend, pack, place_of, unpack
from hub.streams.topics import partition_of, shard_of
from tests.support.bridges import NOW, Workshop, event_of, eventually

PARTITIONS = 6


@pytest.mark.kafka
async def test_a_record_goes_out_and_its_result_comes_back_over_a_real_broker(
    sqlite_workshop: Workshop, kafka_bootstrap: str
) -> None:
    changes = {"kafka_bootstrap": kafka_bootstrap, "kafka_partitions": PARTITIONS}
    async with sqlite_workshop.running("court", kafka=True, **changes) as court:
        dispute_id = (await court.post("cases", court.record())).json()["dispute_id"]
        await court.relayed()
        bus = Bus(kafka_bootstrap, partitions=PARTITIONS)
        partition = partition_of(shard_of(dispute_id), PARTITIONS)
        log = Log(bus)
        end = log.ends(HANDOFFS.name)[partition]
        values = [(record.headers, record.value) for record in log.read(HANDOFFS.name, partition, 0, end)]
        records = [one for headers, value in values for one in unpack(place_of(headers), value or b"")]
        log.close()
        assert dispute_id in {handoff_pb2.Handoff.FromString(one).dispute_id for one in records}

        event = event_of(dispute_id, "court", "accepted", 1).SerializeToString()
        stream = StreamName(f"t{dispute_id[:8]}", shard_of(dispute_id), "e1")  # the broker is shared with other tests
        place = BatchPlace(stream, 1, 1, GENESIS, extend(GENESIS, event))
        publisher = KafkaPublisher(bus)
        publisher.send(pack(JOURNAL, place, [event], partition=partition, written_at=NOW))

        async def told() -> bool:
            results = (await court.get("results")).json()["results"]
            return [one["status"] for one in results] == ["accepted"]

        await eventually(told, 40.0)
        publisher.close()

        async def well() -> bool:
            parts = (await court.client.get("/healthz")).json()["parts"]
            # Nobody sends beats here; other tests at this broker may.
            return {name for name, part in parts.items() if part["reason"]} <= {"credentials"}

        await eventually(well, 40.0)  # its reader came before the topics of a new broker, and says so for a while
