"""Codes of the operator's commands."""

from __future__ import annotations

from typing import Final

from hub.errors import Code, Kind

# starting a hub and asking it
BAD_SETTING: Final = Code("bad_setting", Kind.MALFORMED, "设置有误", "a setting is wrong")
KAFKA_FETCH_FAILED: Final = Code(
    "kafka_fetch_failed",
    Kind.MALFORMED,
    "Maven 取 Kafka 失败，请检查网络或 ~/.m2/settings.xml 的镜像",
    "Maven could not fetch Kafka: check the network or the mirror in ~/.m2/settings.xml",
)
NO_BROKER: Final = Code("no_broker", Kind.MALFORMED, "没有可用的 Kafka", "no Kafka here")
UNAVAILABLE: Final = Code("unavailable", Kind.UNAVAILABLE, "没有应答", "no answer")

# repairs
NOT_DRAINED: Final = Code("not_drained", Kind.WRONG_STATE, "尚未排空", "not drained yet")
PRODUCER_HELD: Final = Code(
    "producer_held", Kind.WRONG_STATE, "请放行其生产者", "its producer is held: release that", field="source"
)
PUBLISHES_NOTHING: Final = Code(
    "publishes_nothing",
    Kind.MALFORMED,
    "{service} 不发布任何主题，直接启动即可",
    "it publishes nothing: just start it",
    field="service",
)
UNKNOWN_SOURCE: Final = Code(
    "unknown_source",
    Kind.NOT_FOUND,
    "没有这样的来源",
    "no such source is held or has records parked",
    field="source",
)
