"""Where results go: a file for the pages, and one JSON line on stdout."""

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
        publish: Into docs/results, where the pages take their tables from (`--save`); else into an ignored folder.
    """
    folder = PUBLISHED if publish else SCRATCH
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bench-{name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def finish(document: Mapping[str, object]) -> None:
    """Print the document as one line; it is the last that a benchmark prints on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()
