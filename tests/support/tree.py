"""The checkout as the house tests see it: its folders, modules and syntax trees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("hub", "dispute", "bridge", "services", "ops")
GENERATED = (("hub", "wire"), ("dispute", "wire"))
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def modules(*folders: str, generated: bool = False, root: Path = ROOT) -> Iterator[Path]:
    """Python files below `folders`, in a fixed order; without the wire unless `generated`."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).parts
            hidden = any(part.startswith(".") for part in parts)
            if not hidden and (generated or parts[:2] not in GENERATED):
                yield path


@cache
def tree_of(path: Path) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def where(path: Path, node: ast.AST | None = None) -> str:
    """`hub/store/store.py:12`, for messages."""
    line = f":{node.lineno}" if isinstance(node, ast.stmt | ast.expr | ast.excepthandler) else ""
    return f"{path.relative_to(ROOT)}{line}"


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or attribute, "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def imported(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Full names of modules (and of what is taken from them) that a module imports anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def imported_by_name(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What `import_module("a.b")` and `import_module(f"a.{b}")` name, as far as it is written there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).endswith("import_module") and node.args:
            first = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value), node


def anchors_of(page: Path) -> set[str]:
    """Anchors of a page's headings, as the forges make them."""
    found = set()
    for heading in re.findall(r"^#+\s+(.*)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found
