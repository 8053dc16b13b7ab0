"""`python -m tests.faults.save LINES…`: sums up lines of runs into docs/results/faults.json, for reliability.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

SAVED: Final = Path(__file__).resolve().parents[2] / "docs/results/faults.json"
KEYS: Final = ("kind", "store", "commit", "date", "broker")
SUMS: Final = ("acknowledged", "commands", "lost", "double_counted", "repeats_dropped", "gaps_fetched")
LONGEST: Final = {"longest_stall_s": "longest_stall_s", "recovery_s": "longest_recovery_s"}


def summed(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each kind, store, commit, date and broker; every line counts, red ones too."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for line in lines:
        key = tuple(str(line[name]) for name in KEYS)
        row = rows.setdefault(
            key,
            dict(zip(KEYS, key, strict=True))
            | {"runs": 0, "red": 0, "seeds": []}
            | dict.fromkeys(SUMS, 0)
            | dict.fromkeys(LONGEST.values(), 0.0),
        )
        row["runs"] += 1
        row["red"] += not line["ok"]
        row["seeds"] = sorted({*row["seeds"], line["seed"]})
        for name in SUMS:
            row[name] += line[name]
        for name, longest in LONGEST.items():
            row[longest] = max(row[longest], line[name])
    return [rows[key] for key in sorted(rows)]


def main(arguments: Sequence[str]) -> int:
    """Write the file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.save", description=__doc__)
    parser.add_argument("lines", nargs="+", type=Path, help="files of JSON lines, for example .run/faults/runs.jsonl")
    parser.add_argument("--to", type=Path, default=SAVED, help="default docs/results/faults.json")
    told = parser.parse_args(arguments)
    lines = [json.loads(line) for path in told.lines for line in path.read_text(encoding="utf-8").splitlines()]
    rows = summed(lines)
    told.to.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps({"runs": len(lines), "red": sum(row["red"] for row in rows)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
