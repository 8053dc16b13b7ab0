"""Regenerate hub/wire and dispute/wire from protos/ (called by `make protos`; `make check` diffs the result).

The proto package is `hub.<area>.v1`. Its Python lives in `hub.wire.<area>.v1` when the area is the platform's and in
`dispute.wire.<area>.v1` when it speaks of disputes, so the imports that protoc writes are moved by that prefix.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
PLATFORM = ("access", "books", "stream")
"""Areas that know no dispute."""
IMPORT = re.compile(r"^(from|import) hub\.(\w+)", re.MULTILINE)
# mypy-protobuf spells references to other modules out in full: `hub.stream.v1.stream_pb2.Batch`.
REFERENCE = re.compile(r"(?<![\w./\"'])hub\.(\w+)(?=\.v1\.\w+_pb2)")


def room_of(area: str) -> str:
    """Return the package that an area's Python lives in."""
    return "hub" if area in PLATFORM else "dispute"


def moved(path: Path) -> str:
    """Return a generated file with its imports moved."""
    text = IMPORT.sub(lambda m: f"{m[1]} {room_of(m[2])}.wire.{m[2]}", path.read_text(encoding="utf-8"))
    if path.suffix == ".pyi":
        text = REFERENCE.sub(lambda m: f"{room_of(m[1])}.wire.{m[1]}", text)
    return text


def main(target: Path) -> int:
    """Generate `hub/wire` and `dispute/wire` under `target`; returns protoc's exit code."""
    sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.proto"))
    staging = target / ".wire-staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    includes = [f"-I{ROOT}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
    outputs = [f"--{kind}_out={staging}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    code = int(protoc.main(["protoc", *includes, *outputs, *sources]))
    if code == 0:
        for path in [*staging.rglob("*.py"), *staging.rglob("*.pyi")]:
            path.write_text(moved(path), encoding="utf-8")
        for room in ("hub", "dispute"):
            wire = target / room / "wire"
            shutil.rmtree(wire, ignore_errors=True)
            wire.mkdir(parents=True)
            for area in sorted(path for path in (staging / "hub").iterdir() if room_of(path.name) == room):
                shutil.move(area, wire / area.name)
            for folder in [wire, *(path for path in wire.rglob("*") if path.is_dir())]:
                (folder / "__init__.py").write_text('"""Generated from protos/; never edited."""\n', encoding="utf-8")
    shutil.rmtree(staging, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent))
