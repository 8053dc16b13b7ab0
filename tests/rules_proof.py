"""`make rules-proof`: the tables of the law and the rows of every rule file, as one JSON line.

`rows`, `changed` and `noticed` are equal when every field of every row decides something. The fifteen border cases and
the other rows of the law's tables are counted by how they ended. Exits with 1 when anything is not as it must be.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections import Counter
from typing import Any, Final

import pytest

TABLES: Final = "tests/unit/intake/law"
RULE_ROWS: Final = "tests/unit/intake/test_intake_rule_rows.py"
BORDER_CASES: Final = 15


class Tally:
    """Counts how tests ended, and adds up the rows they looked at; a plugin of pytest.

    Attributes:
        rules: Rows of rule files, of those the changed ones, of those the noticed ones.
        ended: Tests by group and outcome.
        cases: Numbers of the border cases that passed; a case has several rows.
    """

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.cases: set[str] = set()
        self.ended: dict[str, Counter[str]] = {"border_cases": Counter(), "law": Counter(), "rule_rows": Counter()}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the end of a test; a setup that failed counts as one."""
        if report.when != "call" and report.passed:
            return
        group = _group(report.nodeid)
        self.ended[group][report.outcome] += 1
        if group == "border_cases" and report.passed:
            self.cases.add(report.nodeid.partition("[")[2].partition(" ")[0])
        for name, value in report.user_properties:
            if name == "rule_rows" and isinstance(value, dict):
                self.rules.update(value)

    def verdict(self) -> dict[str, Any]:
        """Return what was counted, and whether it is as it must be."""
        rows, changed, noticed = (self.rules[name] for name in ("rows", "changed", "noticed"))
        ended = {group: dict(outcomes) for group, outcomes in self.ended.items()}
        green = all(set(outcomes) == {"passed"} for outcomes in ended.values())
        ok = green and 0 < rows == changed == noticed and len(self.cases) == BORDER_CASES
        return {"rows": rows, "changed": changed, "noticed": noticed, "cases": len(self.cases), **ended, "ok": ok}


def _group(nodeid: str) -> str:
    if nodeid.startswith(RULE_ROWS):
        return "rule_rows"
    return "border_cases" if "::test_border_case[" in nodeid else "law"


def main() -> int:
    """Run the tables and print the verdict."""
    tally = Tally()
    with contextlib.redirect_stdout(sys.stderr):
        code = pytest.main(["-q", "-p", "no:cacheprovider", TABLES, RULE_ROWS], plugins=[tally])
    found = tally.verdict()
    sys.stdout.write(json.dumps(found) + "\n")
    return 0 if found["ok"] and code == pytest.ExitCode.OK else 1


if __name__ == "__main__":
    sys.exit(main())
