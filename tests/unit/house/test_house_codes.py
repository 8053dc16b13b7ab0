"""Every code stands once in a catalogue, in both languages, and is used; none is made elsewhere."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from hub.errors import Code, Kind
from tests.support.tree import OURS, ROOT, dotted, imported, modules, tree_of
from tests.support.used_codes import TABLES, Row, rows, users

MADE_IN = {"hub/errors.py", *(f"{table.replace('.', '/')}.py" for table in TABLES)}
CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
MAKERS = {"Rejected", "Retryable", "Refused", "Refusal", "Code"}
SOUND = Row("hub.refusals", "SOUND", Code("sound", Kind.MALFORMED, "无误", "sound"))


def faults(found: Iterable[Row]) -> list[str]:
    """Return what is wrong with rows."""
    told = []
    tables = defaultdict(list)
    for row in found:
        name, code = f"{row.table}.{row.constant}", row.code
        tables[code.name].append(row.table)
        if row.constant != code.name.upper():
            told.append(f"{name} is called {code.name}")
        if not CJK.search(code.zh):
            told.append(f"{name} has no Chinese text")
        if not code.en.strip() or CJK.search(code.en):
            told.append(f"{name} has no English text")
    return told + [f"{name} stands in {places}" for name, places in tables.items() if len(places) > 1]


def strays(paths: Iterable[Path], root: Path = ROOT) -> list[str]:
    """Return the codes that are written as text outside the tables."""
    return [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in paths
        if path.relative_to(root).as_posix() not in MADE_IN
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in MAKERS
        for told in (*node.args[:1], *(word.value for word in node.keywords if word.arg == "code"))
        if isinstance(told, ast.JoinedStr) or (isinstance(told, ast.Constant) and isinstance(told.value, str))
    ]


def idle(found: Iterable[Row], paths: Iterable[Path], root: Path = ROOT) -> list[str]:
    """Return the rows that nothing uses."""
    found = list(found)
    used = users(found, paths, root)
    return [f"{row.table}.{row.constant}" for row in found if row not in used]


def test_rows_are_sound_and_stand_once() -> None:
    assert faults(rows(*TABLES)) == []


def test_every_row_is_used() -> None:
    assert idle(rows(*TABLES), modules(*OURS, "bench")) == []


def test_no_code_is_made_outside_the_tables() -> None:
    assert strays(modules(*OURS, "bench")) == []


def test_tables_of_the_product_need_only_the_platforms() -> None:
    lower = ("__future__", "typing", "hub.errors", "hub.refusals", "dispute.refusals")
    assert [
        name
        for path in modules("dispute/refusals")
        for name, _ in imported(tree_of(path))
        if not name.startswith(lower)
    ] == []


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (Row("ops.console.refusals", "SOUND", SOUND.code), "sound stands in ['hub.refusals', 'ops.console.refusals']"),
        (Row("t", "OTHER", Code("odd", Kind.MALFORMED, "无误", "odd")), "t.OTHER is called odd"),
        (Row("t", "ODD", Code("odd", Kind.MALFORMED, "odd", "odd")), "t.ODD has no Chinese text"),
        (Row("t", "ODD", Code("odd", Kind.MALFORMED, "无误", "odd 无误")), "t.ODD has no English text"),
        (Row("t", "ODD", Code("odd", Kind.MALFORMED, "无误", "")), "t.ODD has no English text"),
    ],
)
def test_a_faulty_row_is_found(planted: Row, said: str) -> None:
    assert faults([SOUND]) == []
    assert faults([SOUND, planted]) == [said]


@pytest.mark.parametrize(
    "text",
    [
        'Rejected("odd", "why")',
        'errors.Retryable("odd")',
        'Refused(f"odd_{1}")',
        'Refusal("odd")',
        'exchange_pb2.Refusal(code="odd")',
        'Code("odd", None, "", "")',
    ],
)
def test_a_code_made_elsewhere_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.py").write_text(f"def f():\n    raise {text}\n", encoding="utf-8")
    assert strays([tmp_path / "odd.py"], tmp_path) == ["odd.py:2"]
    (tmp_path / "even.py").write_text("raise Rejected(refusal)\nRefusal(row.code, detail)\n", encoding="utf-8")
    assert strays([tmp_path / "even.py"], tmp_path) == []


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("from hub.refusals import SOUND\n", []),
        ("from hub import refusals as c\nc.SOUND\n", []),
        ("from dataclasses import SOUND\nimport refusals\nrefusals.SOUND\n'sound'\n", ["hub.refusals.SOUND"]),
    ],
)
def test_an_idle_row_is_found(tmp_path: Path, text: str, unused: list[str]) -> None:
    (tmp_path / "user.py").write_text(text, encoding="utf-8")
    assert idle([SOUND], [tmp_path / "user.py"], tmp_path) == unused
