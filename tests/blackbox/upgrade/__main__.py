"""`make upgrade BASE=<commit>`: stores and topics of an old commit under this one.

One JSON line at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.checkout import checkout
from tests.blackbox import stubs
from tests.blackbox.hubs import HERE

STORES: Final = ("sqlite", "postgres")
WAYS: Final = ("at_once", "rolling", "rolling_documented")
COUNTS: Final = ("receipts", "results_before", "results_after", "disputes", "unsent", "meanwhile", "seconds")


def upgraded(way: str, store: str, old: Path, stubs_folder: Path) -> dict[str, Any]:
    """Carry one upgrade out in a process of its own, which imports the stubs."""
    command = [sys.executable, "-m", "tests.blackbox.upgrade.ways"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(stubs_folder)))}
    done = subprocess.run(
        [*command, "--way", way, "--store", store, "--old", str(old)],
        cwd=HERE,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not done.stdout:
        return {"differences": [f"ended with {done.returncode}"]}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def summed(shown: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Join what all ways of one store showed."""
    counts = {name: sum(told.get(name, 0) for told in shown.values()) for name in COUNTS}
    differences = [f"{way}: {text}" for way, told in shown.items() for text in told["differences"]]
    longest = max(told.get("longest_wait_s", 0) for told in shown.values())
    return {"ways": list(shown), **counts, "longest_wait_s": longest, "differences": differences}


def main(arguments: Sequence[str]) -> int:
    """Upgrade; exit 0 when nothing that the old build told was lost or changed."""
    options = argparse.ArgumentParser(prog="python -m tests.blackbox.upgrade", description=__doc__)
    options.add_argument("--base", required=True, help="commit that fills the stores")
    options.add_argument("--store", choices=(*STORES, "both"), default="both")
    options.add_argument("--way", choices=(*WAYS, "all"), default="all")
    told = options.parse_args(arguments)
    stores = STORES if told.store == "both" else (told.store,)
    ways = WAYS if told.way == "all" else (told.way,)
    with tempfile.TemporaryDirectory(prefix="santiao-stubs-") as folder, checkout(told.base) as tree:
        stubs.compile_into(Path(folder), HERE / "protos")
        shown = {store: summed({way: upgraded(way, store, tree, Path(folder)) for way in ways}) for store in stores}
    wrong = [store for store, seen in shown.items() if seen["differences"] or not seen["receipts"]]
    summary = {"base": told.base, "stores": shown, "ok": not wrong}
    sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
