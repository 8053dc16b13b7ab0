"""`make trace-case`: follow one court case from its JSON to the rate that counts it; a JSON line at the end.

A bridge, intake and stats run in one process on the in-memory bus, and every call of a function of ours is looked at. A
function is on the way when an argument or its result carries the case: its reference, its dispute's id, or bytes with
one of them.

A *shape* is a type that has the case's identity and its content in fields of its own. A type that has both inside one
field only carries another shape, and bytes are a shape written down: neither is counted. `docs/case.md` names the
shapes and each step; exit 1 when it disagrees, or a bound is passed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import pydantic
from google.protobuf.message import Message

from dispute.lifecycle.identity import canonical_reference, dispute_id_of
from services.court_bridge.specification import SPECIFICATION
from services.stats.facts.windows import day_number
from tests.support.one_process import COUNTY, through
from tests.support.tree import ROOT

PAGE: Final = ROOT / "docs" / "case.md"
PACKAGES: Final = ("hub", "dispute", "bridge", "services")
FILES: Final = 62
SHAPES: Final = 10
DEPTH: Final = 6
FEW: Final = 200
ANONYMOUS: Final = re.compile(r"<(listcomp|setcomp|dictcomp|genexpr)>$")
STEP: Final = re.compile(r"^\| \d+ \|.*?\| `([\w/.]+)` \| `([\w.<>]+)` \|", re.MULTILINE)
SHAPE: Final = re.compile(r"^\| \*\*([\w ]+)\*\* \|", re.MULTILINE)

EXAMPLE: Final = dict(SPECIFICATION.record.example)
WRITTEN: Final = str(EXAMPLE["case_number"])
REFERENCE: Final = canonical_reference(WRITTEN)
DISPUTE: Final = dispute_id_of(f"{SPECIFICATION.channel}-{COUNTY}", REFERENCE)
RECEIVED: Final = date.fromisoformat(str(EXAMPLE["court_received_on"]))
TEXTS: Final = (WRITTEN, REFERENCE, DISPUTE)
BYTES: Final = (*(text.encode() for text in TEXTS), UUID(DISPUTE).bytes, json.dumps(WRITTEN)[1:-1].encode())
CONTENT: Final = frozenset({RECEIVED, RECEIVED.isoformat(), day_number(RECEIVED.isoformat())})
"""The day of receipt stands for the content: every form of the case has it, as a date, a text or a number."""
NAMES: Final = {"dict": "JSON", "tuple": "FactRow"}
"""Shapes without a class of their own."""


class Function(NamedTuple):
    """One function on the way."""

    file: str
    name: str


def fields_of(value: object) -> Iterator[object]:
    """Go through the values inside a value: items of a container, fields of one of our types."""
    if isinstance(value, dict):
        yield from list(value.values())[:FEW]
    elif isinstance(value, list | tuple | set | frozenset):
        yield from list(value)[:FEW]
    elif isinstance(value, Message):
        yield from (item for _, item in value.ListFields())
    elif type(value).__module__.partition(".")[0] not in PACKAGES:
        return
    elif isinstance(value, pydantic.BaseModel):
        yield from value.__dict__.values()
    elif isinstance(value, msgspec.Struct):
        yield from (getattr(value, name) for name in value.__struct_fields__)
    elif dataclasses.is_dataclass(value):
        yield from (getattr(value, field.name, None) for field in dataclasses.fields(value))


def is_case(value: object, depth: int = 0) -> bool:
    """Tell whether a value carries the case's identity."""
    if isinstance(value, str):
        return any(text in value for text in TEXTS)
    if isinstance(value, bytes | bytearray | memoryview):
        return any(known in bytes(value) for known in BYTES)
    return depth < DEPTH and any(is_case(item, depth + 1) for item in fields_of(value))


def has_content(value: object, depth: int = 0) -> bool:
    """Tell whether a value has the case's content, not counting what is written down as bytes."""
    if isinstance(value, date | str | int):
        return value in CONTENT
    return depth < DEPTH and any(has_content(item, depth + 1) for item in fields_of(value))


def is_shape(value: object) -> bool:
    """Tell whether identity and content are in fields of the value itself, and not both in one of them."""
    inside = [(is_case(item), has_content(item)) for item in fields_of(value)]
    if isinstance(value, list | set | frozenset):
        return False
    both = any(case and content for case, content in inside)
    return not both and any(case for case, _ in inside) and any(content for _, content in inside)


def name_of(value: object) -> str:
    """Return the name of a value's type, with the package of a message."""
    kind = type(value).__name__
    return NAMES.get(kind, f"{kind} message" if isinstance(value, Message) else kind)


class Tracer:
    """Looks at every call of our functions, in every thread started after it.

    Attributes:
        functions: Functions on the way.
        shapes: Names of the shapes that were passed.
    """

    def __init__(self) -> None:
        self.functions: set[Function] = set()
        self.shapes: set[str] = set()
        self._on = False
        self._looking = threading.local()

    def begin(self) -> None:
        """Look from now on."""
        self._on = True

    def __call__(self, frame: FrameType, event: str, result: object) -> None:
        """Look at one event of the interpreter."""
        if not self._on or event not in {"call", "return"} or getattr(self._looking, "now", False):
            return
        function = _ours(frame.f_code)
        if function is None:
            return
        self._looking.now = True
        try:
            for value in (result,) if event == "return" else _arguments(frame):
                self._look(function, value)
        finally:
            self._looking.now = False

    def _look(self, function: Function, value: object) -> None:
        if not is_case(value):
            return
        self.functions.add(function)
        for item in (value, *(value if isinstance(value, list | tuple) else ())):
            if is_case(item) and is_shape(item):
                self.shapes.add(name_of(item))


def _ours(code: CodeType) -> Function | None:
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT) or ANONYMOUS.search(code.co_qualname):
        return None
    file = path.relative_to(ROOT).as_posix()
    return Function(file, code.co_qualname) if file.partition("/")[0] in PACKAGES else None


def _arguments(frame: FrameType) -> list[Any]:
    code = frame.f_code
    return [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]]


def followed() -> Tracer:
    """Return what one case went through."""
    tracer = Tracer()
    threading.setprofile(tracer)
    sys.setprofile(tracer)
    try:
        with tempfile.TemporaryDirectory(prefix="santiao-case-") as folder:
            told = asyncio.run(through(SPECIFICATION, Path(folder), begun=tracer.begin, results=False))
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    if not told["rates"]:
        raise AssertionError(told)
    return tracer


def disagreements(tracer: Tracer, page: str) -> list[str]:
    """Return in what the page and the trace differ."""
    steps = [Function(*found) for found in STEP.findall(page)]
    shapes = set(SHAPE.findall(page))
    lines = [f"docs/case.md: no step {step.file} {step.name}" for step in steps if step not in tracer.functions]
    lines += [f"docs/case.md lacks the shape {name}" for name in sorted(tracer.shapes - shapes)]
    lines += [f"docs/case.md: no shape {name} was seen" for name in sorted(shapes - tracer.shapes)]
    return lines if steps and shapes else [*lines, "docs/case.md names no steps or no shapes"]


def main() -> int:
    """Follow the case and compare."""
    tracer = followed()
    files = sorted({function.file for function in tracer.functions})
    wrong = disagreements(tracer, PAGE.read_text(encoding="utf-8") if PAGE.exists() else "")
    for function in sorted(tracer.functions) if "--functions" in sys.argv else ():
        sys.stderr.write(f"{function.file} {function.name}\n")
    wrong += [f"{len(files)} files, at most {FILES} are good"] if len(files) > FILES else []
    wrong += [f"{len(tracer.shapes)} shapes, at most {SHAPES} are good"] if len(tracer.shapes) > SHAPES else []
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    told = {"files": len(files), "functions": len(tracer.functions), "shapes": sorted(tracer.shapes), "ok": not wrong}
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
