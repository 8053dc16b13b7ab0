"""The register: nothing undeclared can be counted, and what is known from the start stands at 0."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from mypy import api
from prometheus_client.parser import text_string_to_metric_families

from hub.runtime.metric_names import REGISTER, CounterName, GaugeName, HistogramName
from hub.runtime.metrics import CONTENT_TYPE, Metrics, metrics_table

SEAM = """
from hub.runtime.metrics import Metrics
m = Metrics()
m.inc("hub_gaps_fetched_total", 2, stage="journal")
m.inc("{name}")
"""


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("names", "kind"), [(CounterName, "counter"), (GaugeName, "gauge"), (HistogramName, "histogram")]
)
def test_the_types_and_the_table_name_the_same_metrics(names: object, kind: str) -> None:
    assert sorted(get_args(names)) == sorted(metric.name for metric in REGISTER if metric.kind == kind)


@pytest.mark.parametrize("metric", REGISTER, ids=lambda metric: metric.name)
def test_names_and_texts_follow_the_conventions(metric: object) -> None:
    (row,) = [row for row in REGISTER if row is metric]
    assert re.fullmatch(r"(hub|grpc_server)_[a-z][a-z_]*", row.name)
    assert row.name.endswith("_total") == (row.kind == "counter")
    assert bool(row.buckets) == (row.kind == "histogram")
    assert list(row.buckets) == sorted(row.buckets)
    assert re.search(r"[\u4e00-\u9fff]", row.help_zh)
    assert not re.search(r"[\u4e00-\u9fff]", row.help_en)
    assert not {"dispute_id", "person", "name", "village", "town"} & set(row.labels)
    assert len(set(row.labels)) == len(row.labels)


def test_counts_sets_and_observes() -> None:
    metrics = Metrics()
    metrics.inc("hub_gaps_fetched_total", 2, stage="journal")
    metrics.inc("hub_gaps_fetched_total", stage="journal")
    metrics.inc("hub_producer_renewals_total")
    metrics.set("hub_pipeline_lag_messages", 7, stage="journal")
    metrics.observe("grpc_server_handling_seconds", 0.02, grpc_service="s", grpc_method="m")
    assert value(metrics, "hub_gaps_fetched_total", stage="journal") == 3
    assert value(metrics, "hub_producer_renewals_total") == 1
    assert value(metrics, "hub_pipeline_lag_messages", stage="journal") == 7
    assert value(metrics, "grpc_server_handling_seconds_bucket", grpc_service="s", grpc_method="m", le="0.025") == 1
    assert value(metrics, "grpc_server_handling_seconds_bucket", grpc_service="s", grpc_method="m", le="0.01") == 0


def test_an_undeclared_metric_does_not_run() -> None:
    metrics = Metrics()
    with pytest.raises(KeyError):
        metrics.inc("hub_surprises_total")  # type: ignore[arg-type] # the point of the test
    with pytest.raises(KeyError):
        metrics.begin("hub_surprises_total")  # type: ignore[arg-type] # the point of the test
    with pytest.raises(KeyError):
        metrics.set("hub_gaps_fetched_total", 1)  # type: ignore[arg-type] # a counter is no gauge


def test_an_undeclared_metric_does_not_type_check(tmp_path: Path) -> None:
    for name, wrong in (("hub_producer_renewals_total", 0), ("hub_surprises_total", 1)):
        snippet = tmp_path / f"snippet_{wrong}.py"
        snippet.write_text(SEAM.format(name=name))
        out, _, code = api.run(["--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent", str(snippet)])
        assert code == wrong, out
        assert ("\"Literal['hub_surprises_total']\"" in out) == bool(wrong)


@pytest.mark.parametrize(
    "labels", [{}, {"stage": "journal"}, {"stage": "j", "reason": "r", "person": "x"}, {"code": "x"}]
)
def test_missing_or_unknown_labels_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="label"):
        Metrics().inc("hub_dead_letters_total", 1, **labels)


def test_a_counter_never_goes_down() -> None:
    with pytest.raises(ValueError, match="negative"):
        Metrics().inc("hub_producer_renewals_total", -1)


def test_metrics_without_labels_and_begun_label_sets_stand_at_0() -> None:
    metrics = Metrics()
    assert value(metrics, "hub_producer_renewals_total") == 0
    assert value(metrics, "hub_dead_letters_total", stage="journal", reason="undecodable") is None
    metrics.begin("hub_dead_letters_total", stage="journal", reason="undecodable")
    assert value(metrics, "hub_dead_letters_total", stage="journal", reason="undecodable") == 0


def test_a_stage_begins_with_all_that_is_counted_per_stage() -> None:
    metrics = Metrics()
    metrics.begin_stage("journal", dead_letter_reasons=["undecodable", "too_long"])
    assert value(metrics, "hub_pipeline_in_total", stage="journal") == 0
    assert value(metrics, "hub_pipeline_lag_seconds", stage="journal") == 0
    assert value(metrics, "hub_pipeline_event_age_seconds_count", stage="journal") == 0
    assert value(metrics, "hub_dead_letters_total", stage="journal", reason="too_long") == 0
    assert value(metrics, "hub_records_refused_total", source="journal", code="x") is None


def test_each_process_counts_for_itself() -> None:
    one, two = Metrics(), Metrics()
    one.inc("hub_producer_renewals_total")
    assert value(two, "hub_producer_renewals_total") == 0


def test_the_scrape_parses_and_has_every_metric_once() -> None:
    metrics = Metrics()
    for row in REGISTER:
        if row.labels:
            metrics.begin(row.name, **dict.fromkeys(row.labels, "x"))
    families = {family.name: family for family in text_string_to_metric_families(metrics.render().decode())}
    for row in REGISTER:
        assert families[row.name.removesuffix("_total")].type == row.kind
    assert not [name for name in families if name.endswith("_created")]
    assert "process_cpu_seconds" in families
    assert CONTENT_TYPE.startswith("text/plain")


def test_the_page_has_a_row_for_each_metric() -> None:
    table = metrics_table()
    assert len(table.splitlines()) == len(REGISTER) + 2
    assert all(f"`{row.name}`" in table and row.help_zh in table for row in REGISTER)
