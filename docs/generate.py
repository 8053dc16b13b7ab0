"""Write the pages that are made of code: topics, metrics, configuration (`make docs`; a test compares them).

The lifecycle's page is made by hub.lifecycle's own table.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hub.contracts.topics import CATALOGUE, DAY_MS, DEAD_LETTER_RETENTION_MS, DEFAULT_PARTITIONS, SHARDS
from hub.runtime.metrics import metrics_table
from hub.runtime.settings import PREFIX, ServiceSettings, settings_table

ROOT: Final = Path(__file__).resolve().parent
SERVICES: Final = ("intake", "court_bridge", "police_bridge", "petition_bridge", "stats")
MADE: Final = "<!-- Made by docs/generate.py (`make docs`); never edited by hand. -->\n\n"


def topics() -> str:
    """Return the page of the topic catalogue."""
    rows = [
        "| 主题 Topic | 记录 Record | 写 Written by | 读 Read by | 保留 Kept |",
        "|---|---|---|---|---|",
    ]
    for topic in CATALOGUE:
        kept = "永久 for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // DAY_MS} 天 days"
        cells = (f"`{topic.name}`", f"`{topic.record}`", ", ".join(topic.producers), ", ".join(topic.readers), kept)
        rows.append("| " + " | ".join(cells) + " |")
    for topic in CATALOGUE:
        kept = f"{DEAD_LETTER_RETENTION_MS // DAY_MS} 天 days"
        cells = (
            f"`{topic.dead_letters}`",
            "as it came, plus `dlq_…` headers",
            ", ".join(topic.readers),
            "operators",
            kept,
        )
        rows.append("| " + " | ".join(cells) + " |")
    return (
        f"{MADE}# 主题目录 Topic catalogue\n\n"
        f"Every value is one `hub.stream.v1.Batch` of consecutive records of one stream; its place stands in the "
        f"CloudEvents headers too. A stream is `<producer>/<shard>/<epoch>`; `shard = crc32(dispute id) % {SHARDS}`, "
        f"`partition = shard % partitions`, {DEFAULT_PARTITIONS} partitions by default. The hub creates the topics "
        f"itself and refuses to start on a topic that was created otherwise "
        f"([topic-mismatch](runbook.md#topic-mismatch)).\n\n" + "\n".join(rows) + "\n"
    )


def metrics() -> str:
    """Return the page of the metric register."""
    return (
        f"{MADE}# 指标登记表 Metric register\n\n"
        "Each process serves them at `/metrics` on its HTTP port. A rate is never exported: its numerator and its "
        "denominator are. No label names a person, a dispute or a township.\n\n"
        f"{metrics_table()}"
    )


def settings_class(service: str) -> type[ServiceSettings]:
    """Return the settings class that a service defines."""
    module = importlib.import_module(f"services.{service}.settings")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ServiceSettings) and value.__module__ == module.__name__
    )
    return found


def configuration() -> str:
    """Return the page of the settings: what all services read, then what each adds."""
    head = (
        f"{MADE}# 设置 Configuration\n\n"
        "Environment variables only. A misspelt `HUB_…` name is an error at start-up that names the nearest known one. "
        "The launcher (`hub up`, `hub demo`) sets all of them for its children; "
        "[deploy/env](../deploy/env) has an example for each service.\n\n"
        "The launcher and the tests read `HUB_KAFKA` (auto | native | docker | external) and, with `external`, "
        "`HUB_KAFKA_BOOTSTRAP`; the tests read `HUB_REQUIRE_KAFKA=1` (a missing broker is a failure, not a skip).\n\n"
    )
    parts = [head, "## Every service\n\n", settings_table(ServiceSettings)]
    common = [f"`{PREFIX}{name.upper()}`" for name in ServiceSettings.model_fields]
    for service in SERVICES:
        own = [
            row
            for row in settings_table(settings_class(service)).splitlines()
            if not any(row.startswith(f"| {name} ") for name in common)
        ]
        if len(own) > len(settings_table(ServiceSettings).splitlines()) - len(common):
            parts += [f"\n## {service} adds\n\n", "\n".join(own), "\n"]
    return "".join(parts)


PAGES: Final[dict[str, Callable[[], str]]] = {
    "topics.md": topics,
    "metrics.md": metrics,
    "configuration.md": configuration,
}


def main() -> int:
    """Write all pages."""
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
