"""Tells how old the code lists are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from dispute.calendar.days import end_of
from hub.runtime.metrics import Metrics


def show_ages(metrics: Metrics, as_of: Mapping[str, date]) -> None:
    """Set the metric of each list's age.

    Args:
        metrics: Of the service that reads the lists.
        as_of: Name of a list -> day on which it was taken from its source.
    """
    for name, day in as_of.items():
        begin = end_of(day - timedelta(days=1))
        metrics.set("hub_codelist_as_of_timestamp_seconds", begin.timestamp(), list=name)
