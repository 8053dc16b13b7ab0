"""The catalogue of codes as the house and its page see it: tables, rows, and who uses each row."""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dispute.calendar.working_days import WorkCalendar
from hub.errors import Code
from services.intake.law.rule_files import RULES_DIR, load_rules
from tests.support.tree import ROOT, tree_of

COMMANDS: Final = "dispute.refusals.commands"
CASES: Final = "dispute.refusals.cases"
TABLES: Final = ("hub.refusals", COMMANDS, CASES, "dispute.refusals.interfaces", "ops.console.refusals")
GUARDS: Final = "dispute.lifecycle."
"""Guards name the reason of a refused command as text."""


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        table: Module of the table.
        constant: Name of its constant.
        code: The row.
    """

    table: str
    constant: str
    code: Code


def rows(*tables: str) -> list[Row]:
    """Return the rows that the tables define, in their order; a row taken from another table is that one's."""
    return [
        Row(table, node.target.id, getattr(module, node.target.id))
        for table in tables
        for module in (importlib.import_module(table),)
        for node in tree_of(Path(str(module.__file__))).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if isinstance(getattr(module, node.target.id), Code)
    ]


def users(found: Iterable[Row], paths: Iterable[Path], root: Path = ROOT) -> Mapping[Row, set[str]]:
    """Return the modules that use each row, tables left out.

    A module uses a row when it imports the constant or reads it from the table's module; one of the lifecycle also by
    its code as text, the rule file too.
    """
    by_place = {(row.table, row.constant): row for row in found}
    by_code = {row.code.name: row for row in by_place.values() if row.table in {COMMANDS, CASES}}
    used: dict[Row, set[str]] = defaultdict(set)
    for path in paths:
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        if module in TABLES:
            continue
        tree = tree_of(path)
        named = {by_place[place] for place in _named(tree) if place in by_place}
        if module.startswith(GUARDS):
            texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            named |= {row for code, row in by_code.items() if code in texts and row.table == COMMANDS}
        for row in named:
            used[row].add(module)
    for exclusion in load_rules(WorkCalendar({})).book.screening.exclusions:
        if exclusion.reason_code in by_code:
            used[by_code[exclusion.reason_code]].add(f"{RULES_DIR.name}/screening.yaml")
    return used


def _named(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield module and name of whatever is imported, or read from what is."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name
                aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield aliases[node.value.id], node.attr
