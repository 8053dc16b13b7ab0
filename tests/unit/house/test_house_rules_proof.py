"""The proof of the rules sees a row that decides nothing, a red table and a missing border case."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.rules_proof import BORDER_CASES, RULE_ROWS, TABLES, Tally


def tally(noticed: int = 7, outcome: Literal["passed", "failed"] = "passed", cases: int = BORDER_CASES) -> Tally:
    found = Tally()

    def ended(nodeid: str, how: Literal["passed", "failed"], **told: dict[str, int]) -> None:
        report = pytest.TestReport(nodeid, ("", 0, ""), {}, how, None, "call", user_properties=list(told.items()))
        found.pytest_runtest_logreport(report)

    ended(f"{RULE_ROWS}::test_x[a]", "passed", rule_rows={"rows": 4, "changed": 4, "noticed": noticed - 3})
    ended(f"{RULE_ROWS}::test_x[b]", "passed", rule_rows={"rows": 3, "changed": 3, "noticed": 3})
    ended(f"{TABLES}/test_law_police.py::test_police[x]", outcome)
    for number in range(cases):
        ended(f"{TABLES}/test_law_border_cases.py::test_border_case[{number} a case]", "passed")
    return found


def test_all_equal_and_green_is_ok() -> None:
    found = tally().verdict()
    assert (found["rows"], found["changed"], found["noticed"], found["ok"]) == (7, 7, 7, True)
    assert found["cases"] == BORDER_CASES


@pytest.mark.parametrize("wrong", [tally(noticed=6), tally(outcome="failed"), tally(cases=BORDER_CASES - 1), Tally()])
def test_anything_else_is_not(wrong: Tally) -> None:
    assert not wrong.verdict()["ok"]
