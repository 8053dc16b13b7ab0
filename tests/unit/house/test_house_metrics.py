"""Every metric that code, rules, dashboards or pages name stands in the register."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from hub.runtime.metric_names import REGISTER
from tests.support.tree import OURS, ROOT, imported, modules, tree_of, where

NAMES = {str(metric.name) for metric in REGISTER}
TOKEN = re.compile(r"\b(?:hub|grpc_server)_[a-z0-9_]+\b")
# what Prometheus adds to a histogram's name
SERIES = re.compile(r"_(bucket|sum|count)$")
UNIT = re.compile(r"_(total|seconds|ratio|info|bytes)$")
RECORDERS = {"inc", "set", "observe", "begin"}


def unknown(name: str) -> bool:
    return name not in NAMES and SERIES.sub("", name) not in NAMES


def named_metrics(tree: ast.Module) -> list[tuple[ast.expr, str]]:
    """Strings that name a metric: first arguments of a recording call, and whatever ends like one."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RECORDERS:
            found += [(arg, arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and UNIT.search(node.value):
            found.append((node, node.value))
    return [(node, str(value)) for node, value in found if TOKEN.fullmatch(str(value))]


def test_code_counts_registered_metrics_only() -> None:
    strays = [
        f"{where(path, node)} {name}"
        for path in modules(*OURS)
        for node, name in named_metrics(tree_of(path))
        if unknown(name)
    ]
    assert strays == []


def test_only_the_runtime_builds_metrics() -> None:
    allowed = ("hub/runtime/",)
    strays = [
        f"{where(path, node)} {name}"
        for path in modules(*OURS)
        for name, node in imported(tree_of(path))
        if name.split(".")[0] == "prometheus_client"
        and not name.startswith("prometheus_client.parser")
        and not path.relative_to(ROOT).as_posix().startswith(allowed)
    ]
    assert strays == []


def test_rules_dashboards_and_pages_name_registered_metrics_only() -> None:
    written = [*files("deploy", ".yml", ".yaml", ".json"), *files("docs", ".md"), *ROOT.glob("*.md")]
    strays = [
        f"{path.relative_to(ROOT)} {token}"
        for path in written
        for token in TOKEN.findall(path.read_text(encoding="utf-8"))
        if unknown(token)
    ]
    assert strays == []


def files(folder: str, *suffixes: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in suffixes)
