"""Public names stand in docs/glossary.md, the glossary names what exists, and no shop word is left in the product."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from dispute.lifecycle.commands import INSTRUCTIONS
from dispute.lifecycle.event_types import EventKind
from tests.support.tree import OURS, ROOT, modules, tree_of, where

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
PRODUCT = ("hub", "dispute", "bridge", "services")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
NAME = re.compile(r"[A-Za-z_]\w*")
CODE = re.compile(r"`([^`]+)`")
LIKE = "Like"
"""A protocol `EventLike` has the fields of an event that its reader needs: its noun is the word before."""
COMMANDS_AND_EVENTS = {kind.__name__ for kind in INSTRUCTIONS} | {kind.payload.__name__ for kind in EventKind}
"""They bear the names of commands and events; docs/lifecycle.md is their page."""

SHOP_WORDS = {
    *("brought", "counter", "counters", "desk", "desks", "door", "doors", "echo", "pulse", "trade"),
    *("retell", "retold", "teller", "telling", "told", "untold", "whereabouts"),
}
ALLOWED = {
    "NOT_A_DOOR": "a public code keeps its name",
    "RIGHTS_NOT_TOLD": "a public code keeps its name",
    "TOLD_NOT_IN_WRITING": "a public code keeps its name",
    "told_in_writing": "a field on the wire",
    "Counter": "of collections and of prometheus_client",
    "CounterName": "of a Prometheus counter",
    "Counters": "Prometheus counters",
    "MetricCounters": "Prometheus counters",
    "counters": "Prometheus counters",
    "_counters": "Prometheus counters",
    "perf_counter": "of Python's time",
    "echo": "of typer",
}


def rows(page: str) -> Iterator[tuple[str, str]]:
    """Yield the term and the code of each row of each table."""
    columns: tuple[int, int] | None = None
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            columns = None
        elif columns is None:
            columns = (cells.index("English"), cells.index("In code"))
        elif not set(line) <= set("|- "):
            yield cells[columns[0]], cells[columns[1]]


def singular(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s") if not word.endswith("ss") else word


def nouns(page: str) -> set[str]:
    """Return what a class name may end with: the last word of each term, the term as one word, each name in code."""
    found: set[str] = set()
    for term, code in rows(page):
        for part in re.split(r"[,;]", re.sub(r"\(.*?\)|[\u3000-\u9fff]", " ", term)):
            words = re.findall(r"[a-z]+", part.lower().replace("-", ""))
            found |= {"".join(words), *words[-1:]}
        for name in NAME.findall(" ".join(CODE.findall(code))):
            found |= {name.lower().replace("_", ""), WORD.findall(name)[-1].lower()}
    return {singular(noun) for noun in found}


def strangers(names: Iterable[str], page: str) -> list[str]:
    """Return the class names whose noun the page lacks."""
    known = nouns(page)

    def is_known(name: str) -> bool:
        words = [word.lower() for word in WORD.findall(name.removesuffix(LIKE))]
        return any(singular(end) in known for end in (words[-1], "".join(words[-2:]), "".join(words)))

    return sorted(name for name in names if name not in COMMANDS_AND_EVENTS and not is_known(name))


def classes() -> set[str]:
    return {
        node.name
        for path in modules(*PRODUCT)
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


@cache
def product() -> tuple[list[tuple[Path, ast.AST, str]], frozenset[str]]:
    """Return the identifiers of the product with their places, and the words of its strings of one line."""
    names: list[tuple[Path, ast.AST, str]] = []
    texts: set[str] = set()
    for path in modules(*OURS):
        for node in ast.walk(tree_of(path)):
            names += [(path, node, name) for name in identifiers(node)]
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                texts.update(NAME.findall(node.value))
    return names, frozenset(texts)


@cache
def written() -> frozenset[str]:
    """Return every word of the code, of its YAML files and of the protos; comments do not count."""
    names, texts = product()
    found = {name for *_, name in names} | texts
    for path in chain((ROOT / "protos").rglob("*.proto"), *((ROOT / name).rglob("*.yaml") for name in OURS)):
        found.update(NAME.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)


def missing(page: str) -> list[str]:
    """Return the names of the column `In code` that occur nowhere."""
    named = {name for _, code in rows(page) for name in NAME.findall(" ".join(CODE.findall(code)))}
    return sorted(named - written())


def identifiers(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=asname):
            yield from (*name.split("."), asname or "")
        case ast.ImportFrom(module=str(name)):
            yield from name.split(".")
        case _:
            pass


def is_shop_word(name: str) -> bool:
    return not SHOP_WORDS.isdisjoint(word.lower() for word in WORD.findall(name))


def test_each_public_class_ends_with_a_term() -> None:
    assert strangers(classes(), PAGE) == []


def test_each_name_in_code_exists() -> None:
    assert missing(PAGE) == []


def test_no_shop_word_is_left() -> None:
    names, _ = product()
    shop = {name for name in {name for *_, name in names} if is_shop_word(name)}
    assert [(where(path, node), name) for path, node, name in names if name in shop - set(ALLOWED)] == []
    assert shop == set(ALLOWED), "an exception that nothing needs"


TABLE = (
    "| 中文 | English | Meaning | In code |\n|---|---|---|---|\n| 移交 | hand-off | … | `Handoff`, `PositionVector` |\n"
)


def test_a_class_without_a_term_is_found() -> None:
    names = ["Handoff", "Handoffs", "SealedHandoff", "HandoffLike", "Vector", "Accept", "HandoffThing", "Position"]
    assert strangers(names, TABLE) == ["HandoffThing", "Position"]


def test_a_name_that_nothing_has_is_found() -> None:
    assert missing(TABLE) == []
    assert missing(TABLE + "| 物 | thing | … | `NoSuchThing` |\n") == ["NoSuchThing"]


@pytest.mark.parametrize(
    "line",
    [
        "told = 1",
        "self._told_of()",
        "def tell(door): ...",
        "class FrontDesk: ...",
        "f(pulse=1)",
        "import hub.teller",
        "from hub.echo import x",
        "import hub as whereabouts",
    ],
)
def test_a_shop_word_is_found(line: str) -> None:
    names = chain.from_iterable(map(identifiers, ast.walk(ast.parse(line))))
    assert len([name for name in names if is_shop_word(name)]) == 1


@pytest.mark.parametrize("name", ["doorbell", "echoes", "Storyteller", "desktop", "encountered"])
def test_a_word_inside_a_word_is_no_shop_word(name: str) -> None:
    assert not is_shop_word(name)
