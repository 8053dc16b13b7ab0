"""docs/case.md agrees with a traced case, and the trace sees what it should."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from typing import Any, Final

import pytest

from tests.support.tree import ROOT
from tests.trace_case import DISPUTE, RECEIVED, Function, Tracer, disagreements, is_case, is_shape

PAGE: Final = (ROOT / "docs" / "case.md").read_text(encoding="utf-8")


def test_the_page_is_what_a_case_goes_through() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.trace_case"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["ok"]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ({"dispute_id": DISPUTE, "received_on": RECEIVED}, True),
        ((DISPUTE, 7, RECEIVED), True),
        ({"command": {"dispute_id": DISPUTE, "received_on": RECEIVED}, "at": 1}, False),
        ({"dispute_id": DISPUTE, "received_on": date(1999, 1, 1)}, False),
        ([DISPUTE, RECEIVED], False),
        ({"record": DISPUTE.encode(), "key": DISPUTE}, False),
    ],
)
def test_a_shape_has_identity_and_content_of_its_own(value: object, shape: bool) -> None:  # noqa: FBT001 - a column
    assert is_case(value)
    assert is_shape(value) is shape


def test_a_difference_from_the_page_is_told() -> None:
    tracer = Tracer()
    lines = disagreements(tracer, PAGE)
    assert "docs/case.md: no step dispute/lifecycle/decide.py decide" in lines
    assert "docs/case.md: no shape Event was seen" in lines
    tracer.shapes, tracer.functions = {"Extra"}, {Function("a.py", "f")}
    assert disagreements(tracer, "| 1 | x | `a.py` | `f` |\n| **Event** | a | b |\n") == [
        "docs/case.md lacks the shape Extra",
        "docs/case.md: no shape Event was seen",
    ]
    assert disagreements(tracer, "") == [
        "docs/case.md lacks the shape Extra",
        "docs/case.md names no steps or no shapes",
    ]
