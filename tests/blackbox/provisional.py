"""`make provisional`: records whose limits no holiday table knows, on both stores; one JSON line at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parents[2]
TESTS: Final = "tests/blackbox/test_blackbox_provisional.py"
REPORT: Final = "BLACKBOX_REPORT"
BOTH_STORES: Final = 6
"""Three tests on two stores: fewer means that some did not run."""


def main() -> int:
    """Run them; exit 0 when every one ran and is green."""
    with tempfile.TemporaryDirectory(prefix="santiao-provisional-") as folder:
        report = Path(folder) / "report.jsonl"
        command = [sys.executable, "-m", "pytest", "-q", TESTS]
        subprocess.run(command, cwd=HERE, env={**os.environ, REPORT: str(report)}, stdout=sys.stderr, check=False)
        text = report.read_text(encoding="utf-8") if report.exists() else ""
    ended = [json.loads(line) for line in text.splitlines()]
    green = [line["test"] for line in ended if line["outcome"] == "passed"]
    failed = {line["test"]: line["reason"] for line in ended if line["outcome"] != "passed"}
    told = {"tests": len(ended), "green": len(green), "failed": failed}
    told["ok"] = not failed and len(green) == BOTH_STORES
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
