"""Saves and prints results.

A result goes to a file for the pages, and to stdout as one JSON line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.machine import ROOT

PUBLISHED: Final = ROOT / "docs" / "results"
SCRATCH: Final = ROOT / ".run" / "bench"


def save(name: str, document: Mapping[str, object], *, publish: bool) -> Path:
    """Write the result of a benchmark.

    Args:
        name: For example `fold`; the file is `bench-fold.json`.
        document: Everything that the pages show.
        publish: Write to docs/results, from which the pages take their tables (`--save`); else to a folder that Git
            ignores.
    """
    folder = PUBLISHED if publish else SCRATCH
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bench-{name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def finish(document: Mapping[str, object]) -> None:
    """Print the document as one line.

    It is the last line that a benchmark prints on stdout.
    """
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()
