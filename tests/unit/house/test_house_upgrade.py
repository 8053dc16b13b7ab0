"""The comparison of `make upgrade` can fail: whatever an upgrade takes back is told as a difference."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.blackbox.upgrade.__main__ import summed
from tests.blackbox.upgrade.compare import changes

RESULT = {"cursor": 7, "event_id": "e-7", "status": "agreed", "final": False}
TOLD: dict[str, Any] = {
    "receipts": {"court": {"R-1": {"receipt_id": "r-1", "dispute_id": "d-1"}}},
    "results": {"court": {"6": {"cursor": 6, "event_id": "e-6", "status": "accepted"}, "7": RESULT}},
    "disputes": {"d-1": {"dispute": {"state": "agreed"}, "history": [{"type": "registered"}, {"type": "agreed"}]}},
    "figures": {"rates": {"court success": {"numerator": "1", "denominator": "3"}}, "events": "2"},
}


def without(*path: str) -> dict[str, Any]:
    told = deepcopy(TOLD)
    inside = told
    for name in path[:-1]:
        inside = inside[name]
    del inside[path[-1]]
    return told


def replaced(value: object, *path: str) -> dict[str, Any]:
    told = deepcopy(TOLD)
    inside = told
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = value
    return told


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (without("results", "court", "7"), "results.court.7 is missing"),
        (without("receipts", "court", "R-1"), "receipts.court.R-1 is missing"),
        (without("disputes", "d-1"), "disputes.d-1 is missing"),
        (replaced("failed", "results", "court", "7", "status"), "results.court.7.status: 'agreed' became 'failed'"),
        (
            replaced("r-2", "receipts", "court", "R-1", "receipt_id"),
            "receipts.court.R-1.receipt_id: 'r-1' became 'r-2'",
        ),
        (replaced("2", "figures", "rates", "court success", "numerator"), "figures.rates.court success.numerator"),
        (replaced(None, "figures", "events"), "figures.events: '2' became None"),
        (replaced([{"type": "registered"}], "disputes", "d-1", "history"), "disputes.d-1.history"),
        (replaced([{"type": "agreed"}] * 2, "disputes", "d-1", "history"), "disputes.d-1.history[0].type"),
    ],
)
def test_what_is_taken_back_is_a_difference(after: dict[str, Any], told: str) -> None:
    (change,) = changes(TOLD, after)
    assert change.startswith(told), change


def test_what_comes_on_top_is_none() -> None:
    after = replaced({**RESULT, "due_dates": []}, "results", "court", "7")
    after["results"]["court"]["8"] = {**RESULT, "cursor": 8}
    assert changes(TOLD, after) == []
    assert changes(TOLD, deepcopy(TOLD)) == []


def test_a_longer_list_is_another_one() -> None:
    after = deepcopy(TOLD)
    after["disputes"]["d-1"]["history"].append({"type": "closed"})
    assert len(changes(TOLD, after)) == 1


def test_each_way_tells_its_differences() -> None:
    shown: dict[str, dict[str, Any]] = {
        "at_once": {"receipts": 2, "longest_wait_s": 0.5, "differences": []},
        "rolling": {"receipts": 3, "longest_wait_s": 1.5, "differences": ["a result is missing"]},
        "broken": {"differences": ["ended with 1"]},
    }
    told = summed(shown)
    assert (told["receipts"], told["longest_wait_s"]) == (5, 1.5)
    assert told["differences"] == ["rolling: a result is missing", "broken: ended with 1"]
