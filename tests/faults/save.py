"""`python -m tests.faults.save LINES…`: adds lines of runs to docs/results/faults.jsonl, of which the page is made.

The long run takes hours, so it is made in pieces: every run that is saved stays, red ones too, with the product that it
ran (`Product`), and `make faults MISSING=1` runs only what is not there yet.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.faults.script import SCENARIO

ROOT: Final = Path(__file__).resolve().parents[2]
SAVED: Final = ROOT / "docs/results/faults.jsonl"
KEYS: Final = ("kind", "store", "clock")
SUMS: Final = ("acknowledged", "commands", "lost", "double_counted", "repeats_dropped", "gaps_fetched")
LONGEST: Final = {"longest_stall_s": "longest_stall_s", "recovery_s": "longest_recovery_s"}
ORIGIN: Final = ("commit", "product", "date", "broker")
KEPT: Final = (*KEYS, "seed", "ok", *SUMS, *LONGEST, "seconds", "problems", *ORIGIN)
PRODUCT: Final = ("hub", "dispute", "bridge", "services")
"""What the matrix tries: commits that differ in nothing else ran the same product."""

Line = Mapping[str, Any]


def product() -> str:
    """Return ten characters that stand for the product's code as committed; marked when the checkout differs."""
    trees = _git("rev-parse", *(f"HEAD:{folder}" for folder in PRODUCT))
    dirty = _git("status", "--porcelain", "--", *PRODUCT)
    return hashlib.sha256(trees.encode()).hexdigest()[:10] + ("-dirty" if dirty else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def read(path: Path) -> list[Line]:
    """Return the lines of a file; none when there is no file. What tells no clock was played by the scenario's."""
    if not path.exists():
        return []
    return [{"clock": SCENARIO} | json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def done_in(lines: Iterable[Line], of: str) -> set[tuple[str, str, str, int]]:
    """Return (kind, store, clock, seed) of the green runs of one product."""
    green = (line for line in lines if line["ok"] and line["product"] == of)
    return {(line["kind"], line["store"], line["clock"], line["seed"]) for line in green}


def summed(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """Return one row for each kind and store; every line counts, red ones too."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for line in lines:
        key = tuple(str(line[name]) for name in KEYS)
        row = rows.setdefault(
            key,
            dict(zip(KEYS, key, strict=True))
            | {"runs": 0, "red": 0, "seeds": set()}
            | dict.fromkeys(SUMS, 0)
            | dict.fromkeys(LONGEST.values(), 0.0)
            | {name: set() for name in ORIGIN},
        )
        row["runs"] += 1
        row["red"] += not line["ok"]
        for name in SUMS:
            row[name] += line[name]
        for name, longest in LONGEST.items():
            row[longest] = max(row[longest], line[name])
        row["seeds"].add(line["seed"])
        for name in ORIGIN:
            row[name].add(line[name])
    return [rows[key] for key in sorted(rows)]


def main(arguments: Sequence[str]) -> int:
    """Add the lines that are not there yet; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.save", description=__doc__)
    parser.add_argument("lines", nargs="+", type=Path, help="files of JSON lines, for example .run/faults/runs.jsonl")
    parser.add_argument("--to", type=Path, default=SAVED, help="default docs/results/faults.jsonl")
    told = parser.parse_args(arguments)
    lines = read(told.to)
    for path in told.lines:
        slim = ({name: line[name] for name in KEPT} for line in read(path))
        lines += [line for line in slim if line not in lines]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    told.to.write_text(text, encoding="utf-8")
    sys.stdout.write(json.dumps({"runs": len(lines), "red": sum(not line["ok"] for line in lines)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
