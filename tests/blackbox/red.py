"""`make red BASE=<commit>`: the black-box tests on an old commit and on this one; a JSON line for each test.

A test proves something when it is red there by its own assertion and green here. One that is red there because
something was missing before it could look (an import, a fixture, a start) is told as `unproven`. One whose input the
old commit does not know yet, a field or a setting, was not run there: it is told as `new_field` and proves nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.checkout import checkout

HERE: Final = Path(__file__).resolve().parents[2]
REPORT: Final = "BLACKBOX_REPORT"
HARNESS: Final = "test_blackbox_harness.py"
NEW_FIELD: Final = "new_field"
"""Marker of a test, and its outcome where the checkout lacks what the marker names."""


def played(root: Path, chosen: Sequence[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Run the tests against the services of a checkout; returns how each ended."""
    report = folder / f"{root.name}.jsonl"
    # a file that names what the checkout's protos do not have yet must not keep the others from running
    options = ["-q", "--continue-on-collection-errors", f"--ignore=tests/blackbox/{HARNESS}"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, "tests/blackbox", *chosen],
        cwd=HERE,
        env={**os.environ, "HUB_UNDER_TEST": str(root), REPORT: str(report)},
        stdout=sys.stderr,
        check=False,
    )
    found: dict[str, dict[str, Any]] = {}
    for text in report.read_text(encoding="utf-8").splitlines() if report.exists() else ():
        line = json.loads(text)
        # a test that passed and whose teardown failed has two lines: the worse one counts
        if line["test"] not in found or line["outcome"] == "failed":
            found[line["test"]] = line
    return found


def verdict(base: dict[str, Any] | None, now: dict[str, Any] | None) -> dict[str, Any]:
    """Join both endings of one test."""
    either = now or base or {}
    there = "missing" if base is None else "green" if base["outcome"] == "passed" else base["outcome"]
    if there == "failed":
        there = "red" if base is not None and base["asserted"] else "unproven"
    here = "missing" if now is None else "green" if now["outcome"] == "passed" else now["outcome"]
    return {
        "test": either.get("test", "").removeprefix("tests/blackbox/"),
        "item": either.get("item", ""),
        "base": there,
        "base_reason": "" if base is None else base["reason"],
        "now": here,
    } | ({"now_reason": now["reason"]} if now is not None and here != "green" else {})


def summed(base: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up all tests: `ok` when none is red here and every point has one that is red there and green here."""
    proofs = [line for line in lines if line["base"] == "red" and line["now"] == "green"]
    not_green = [line["test"] for line in lines if line["now"] not in {"green", "skipped"}]
    # A test that could not be asked there is no lack of a proof.
    asked = {line["item"] for line in lines if line["base"] != NEW_FIELD}
    unproven = sorted(asked - {line["item"] for line in proofs} - {""})
    return {
        "base": base,
        "tests": len(lines),
        "red_there_green_here": len(proofs),
        "green_there": sum(line["base"] == "green" for line in lines),
        "unproven": [line["test"] for line in lines if line["base"] == "unproven"],
        "new_field": [line["test"] for line in lines if line["base"] == NEW_FIELD],
        "not_green_here": not_green,
        "points_without_proof": unproven,
        "ok": bool(lines) and not not_green and not unproven,
    }


def main(arguments: Sequence[str]) -> int:
    """Compare; exit 0 when every test is green here and every point has a test that is red there by its assertion."""
    options = argparse.ArgumentParser(prog="python -m tests.blackbox.red", description=__doc__)
    options.add_argument("--base", required=True, help="commit to compare with")
    options.add_argument("pytest", nargs="*", help="more for pytest, for example -k cursor (after --)")
    told = options.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="santiao-red-") as folder, checkout(told.base) as tree:
        there = played(tree, told.pytest, Path(folder))
        here = played(HERE, told.pytest, Path(folder))
    lines = [verdict(there.get(test), here.get(test)) for test in {**here, **there}]
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    summary = summed(told.base, lines)
    sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
