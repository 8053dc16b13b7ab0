"""Regenerate hub/wire from protos/ (called by `make protos`; `make check` diffs the result).

The proto package is `hub.<area>.v1`; its Python lives in `hub.wire.<area>.v1`, so the imports that protoc
writes are moved by that one prefix.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent
IMPORT = re.compile(r"^(from|import) hub\.(?!wire\.)", re.MULTILINE)
# mypy-protobuf spells references to other modules out in full: `hub.stream.v1.stream_pb2.Batch`.
REFERENCE = re.compile(r"(?<![\w./\"'])hub\.(?!wire\.)(\w+\.v1\.\w+_pb2)")


def main(target: Path) -> int:
    """Generate into `target` (the `hub/wire` folder); returns protoc's exit code."""
    sources = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.proto"))
    staging = target.parent / ".wire-staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    includes = [f"-I{ROOT}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
    outputs = [f"--{kind}_out={staging}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    code = int(protoc.main(["protoc", *includes, *outputs, *sources]))
    if code == 0:
        for path in [*staging.rglob("*.py"), *staging.rglob("*.pyi")]:
            text = IMPORT.sub(r"\1 hub.wire.", path.read_text(encoding="utf-8"))
            if path.suffix == ".pyi":
                text = REFERENCE.sub(r"hub.wire.\1", text)
            path.write_text(text, encoding="utf-8")
        for folder in [staging / "hub", *(p for p in (staging / "hub").rglob("*") if p.is_dir())]:
            (folder / "__init__.py").write_text('"""Generated from protos/; never edited."""\n', encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(staging / "hub", target)
    shutil.rmtree(staging, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "hub" / "wire"))
