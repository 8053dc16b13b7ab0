"""The metrics of one process.

They are built from the register and passed down. `metrics_table` makes the page that documents them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from hub.runtime.metric_names import REGISTER, CounterName, GaugeName, HistogramName, MetricName, MetricRow

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Collector = TypeVar("Collector", Counter, Gauge, Histogram)
Children = dict[tuple[object, ...], Any]


class Metrics:
    """Every metric of the register, in its own registry.

    A name outside the register does not type-check, and raises `KeyError` where type checking was bypassed. Labels are
    given by name; a missing or unknown label raises `ValueError`.

    Attributes:
        registry: For tools that need Prometheus' own interface.
    """

    def __init__(self) -> None:
        # A `…_created` series for each counter would double the scrape, and nobody reads it.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library left this one untyped
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        # prometheus_client sorts, joins and locks at each `labels(…)`: that costs three times as much as the count.
        self._children: Children = {}
        self._counters: dict[MetricName, Counter] = {}
        self._gauges: dict[MetricName, Gauge] = {}
        self._histograms: dict[MetricName, Histogram] = {}
        for metric in REGISTER:
            self._add(metric)

    def inc(self, name: CounterName, amount: float = 1, **labels: str) -> None:
        """Add `amount`, at least 0, to a counter."""
        _child(self._counters[name], labels, self._children).inc(amount)

    def set(self, name: GaugeName, value: float, **labels: str) -> None:
        """Set a gauge."""
        _child(self._gauges[name], labels, self._children).set(value)

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """Add one value to a histogram."""
        _child(self._histograms[name], labels, self._children).observe(value)

    def begin(self, name: MetricName, **labels: str) -> None:
        """Show a label set from the start, at 0.

        A caller that knows the label values calls this before the first event.
        """
        for collectors in (self._counters, self._gauges, self._histograms):
            if name in collectors:
                collectors[name].labels(**labels)
                return
        raise KeyError(name)

    def begin_stage(self, stage: str, *, dead_letter_reasons: Iterable[str] = ()) -> None:
        """Show every metric of a stage from the start, at 0.

        A reader calls it before its first record.

        Args:
            stage: `handoff` or `journal`.
            dead_letter_reasons: The closed list: an alert on a rise does not see a first letter without a series at 0.
        """
        for metric in REGISTER:
            if metric.labels == ("stage",):
                self.begin(metric.name, stage=stage)
        for reason in dead_letter_reasons:
            self.begin("hub_dead_letters_total", stage=stage, reason=reason)

    def render(self) -> bytes:
        """Return the scrape in Prometheus' text format 0.0.4.

        `CONTENT_TYPE` is its content type.
        """
        return generate_latest(self.registry)

    def _add(self, metric: MetricRow) -> None:
        text = f"{metric.help_zh} {metric.help_en}"
        if metric.kind == "counter":
            self._counters[metric.name] = Counter(metric.name, text, metric.labels, registry=self.registry)
        elif metric.kind == "gauge":
            self._gauges[metric.name] = Gauge(metric.name, text, metric.labels, registry=self.registry)
        else:
            self._histograms[metric.name] = Histogram(
                metric.name, text, metric.labels, registry=self.registry, buckets=metric.buckets
            )


def _child(collector: Collector, labels: dict[str, str], children: Children) -> Collector:
    """Return the collector of a label set; `children` remembers it."""
    if not labels:
        return collector
    key = (collector, *labels.items())
    child: Collector | None = children.get(key)
    if child is None:
        child = children[key] = collector.labels(**labels)
    return child


def metrics_table() -> str:
    """Return the Markdown table of the register.

    docs/metrics.md is generated from it.
    """
    rows = ["| 指标 Metric | 种类 Kind | 标签 Labels | 含义 Meaning |", "|---|---|---|---|"]
    for metric in REGISTER:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help_zh}<br>{metric.help_en} |")
    return "\n".join(rows) + "\n"
