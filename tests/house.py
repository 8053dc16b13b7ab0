"""`make house`: what a reader of the code must carry in mind, as figures with bounds; a JSON line at the end.

Exit 1 when a figure is past its bound; stderr then names each place. No part of CI: a direction, not a wall.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Final

from dispute.lifecycle.vocabulary import DOCKED
from tests.support.tree import OURS, ROOT, modules, tree_of

BRIDGES: Final = tuple(f"{channel}_bridge" for channel in DOCKED)
LINES: Final = 400
"""Of a module."""
BRIDGE_LINES: Final = 200
WORDS: Final = 8
"""Of a docstring's first line, in the middle of all."""
RUN: Final = 10
"""Lines in a row that are no accident."""
OWN_NAMES: Final = re.compile(r"(?:(?:court|police|petition|incident|case)s?_?)+", re.IGNORECASE)
"""What a bridge calls itself and its records: a copy under other names is a copy."""
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Measure:
    """One figure.

    Attributes:
        value: A number, or one for each part.
        bound: The largest that is good.
        places: Each place that makes it too large; empty when it is within its bound.
    """

    value: float | dict[str, int]
    bound: int
    places: tuple[str, ...]


def double_class_names(root: Path) -> Measure:
    """Count public class names that are defined in more than one module."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in modules(*OURS, root=root):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(path.relative_to(root).as_posix())
    double = {name: files for name, files in sorted(found.items()) if len(files) > 1}
    return Measure(len(double), 0, tuple(f"{name}: {', '.join(sorted(files))}" for name, files in double.items()))


def public(node: ast.Module | ast.ClassDef) -> Iterator[Documented]:
    """Yield a module or class with its public classes, functions and methods."""
    yield node
    for inner in node.body:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
            if isinstance(inner, ast.ClassDef):
                yield from public(inner)
            else:
                yield inner


def first_line_words_median(root: Path) -> Measure:
    """Take the median of words in first lines of docstrings; a module's places are told together."""
    counts: list[int] = []
    places: list[str] = []
    for path in modules(*OURS, root=root):
        texts = [ast.get_docstring(node) for node in public(tree_of(path))]
        words = [len(text.split("\n")[0].split()) for text in texts if text]
        counts += words
        if long := [count for count in words if count > WORDS]:
            told = f"{len(long)} of {len(words)} first lines have more than {WORDS} words, one {max(long)}"
            places.append(f"{path.relative_to(root)}: {told}")
    value = float(median(counts)) if counts else 0.0
    return Measure(value, WORDS, tuple(places) if value > WORDS else ())


def modules_of(root: Path, bridge: str) -> list[Path]:
    """Return a bridge's modules without migrations.

    Raises:
        FileNotFoundError: There is no such bridge.
    """
    folder = root / "services" / bridge
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    paths = modules(f"services/{bridge}", root=root)
    return [path for path in paths if "migrations" not in path.relative_to(folder).parts]


def length(path: Path) -> int:
    """Count a module's lines."""
    return len(path.read_text(encoding="utf-8").splitlines())


def bridge_lines(root: Path) -> Measure:
    """Count the lines of each bridge."""
    lines = {bridge: sum(map(length, modules_of(root, bridge))) for bridge in BRIDGES}
    places = tuple(f"services/{bridge}: {count} lines" for bridge, count in lines.items() if count > BRIDGE_LINES)
    return Measure(lines, BRIDGE_LINES, places)


def code_of(path: Path) -> list[tuple[int, str]]:
    """Return a module's lines with their numbers; without blank ones, imports, and what names one bridge."""
    imports = {
        number
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [(number, OWN_NAMES.sub("~", text)) for number, text in lines if text.strip() and number not in imports]


def runs(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Yield the longest equal runs of at least `RUN` lines: where they begin in each, and how long they are."""
    for i, line in enumerate(one):
        for j, text in enumerate(other):
            if line != text or (i and j and one[i - 1] == other[j - 1]):
                continue
            size = 1
            while i + size < len(one) and j + size < len(other) and one[i + size] == other[j + size]:
                size += 1
            if size >= RUN:
                yield i, j, size


def shared_runs_between_bridges(root: Path) -> Measure:
    """Count runs of lines that two bridges share."""
    places = []
    for left, right in combinations(BRIDGES, 2):
        for one in modules_of(root, left):
            for other in modules_of(root, right):
                here, there = code_of(one), code_of(other)
                for i, j, size in runs([text for _, text in here], [text for _, text in there]):
                    ends = f"{one.relative_to(root)}:{here[i][0]}", f"{other.relative_to(root)}:{there[j][0]}"
                    places.append(f"{size} lines: {' and '.join(ends)}")
    return Measure(len(places), 0, tuple(places))


def modules_over_400(root: Path) -> Measure:
    """Count modules that are too long, tests and benchmarks too."""
    sizes = {path.relative_to(root): length(path) for path in modules(*OURS, "bench", "tests", root=root)}
    places = tuple(f"{path}: {size} lines" for path, size in sizes.items() if size > LINES)
    return Measure(len(places), 0, places)


MEASURES: Final = (
    double_class_names,
    first_line_words_median,
    bridge_lines,
    shared_runs_between_bridges,
    modules_over_400,
)


def main(root: Path) -> int:
    """Measure; the exit code is 0 when every figure is within its bound."""
    measured = {measure.__name__: measure(root) for measure in MEASURES}
    for name, figure in measured.items():
        for place in figure.places:
            sys.stderr.write(f"{name}: {place}\n")
    ok = not any(figure.places for figure in measured.values())
    told = {
        "target": "house",
        **{name: figure.value for name, figure in measured.items()},
        "bounds": {name: figure.bound for name, figure in measured.items()},
        "ok": ok,
    }
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(ROOT))
