"""The comparison of CPU costs sees a process that became dearer."""

from __future__ import annotations

import pytest

from bench.against import compare

BASE = [{"intake": 100.0, "stats": 50.0, "broker": 10.0, "events_s": 1000.0}] * 3


@pytest.mark.parametrize(
    ("now", "dear"),
    [
        ({"intake": 104.0, "stats": 52.0}, set()),
        ({"intake": 106.0, "stats": 50.0}, {"intake"}),
        ({"intake": 80.0, "stats": 53.0}, {"stats"}),
        ({"intake": 80.0, "stats": 50.0, "broker": 99.0, "events_s": 1.0}, set()),
    ],
)
def test_a_service_beyond_its_bound_is_told(now: dict[str, float], dear: set[str]) -> None:
    told = compare(BASE, [{**BASE[0], **now}] * 3, 1.05)
    assert {name for name, of in told.items() if not of.get("ok", True)} == dear
    assert told["intake"]["ratio"] == round(now["intake"] / 100, 3)


def test_the_median_turn_counts() -> None:
    slow = {**BASE[0], "intake": 900.0}
    assert (
        compare(BASE, [slow, {**BASE[0], "intake": 80.0}, {**BASE[0], "intake": 80.0}], 1.05)["intake"]["ratio"] == 0.8
    )
