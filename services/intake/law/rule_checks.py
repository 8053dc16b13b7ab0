"""Checks the values of a rule file against the type of the file.

Every error is found, each with its line; nothing of a faulty file is used.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import FieldInfo, fields

from services.intake.law.rule_overlay import id_of
from services.intake.law.rule_rows import Listed, RuleFile, Shape, row_of
from services.intake.law.rule_text import Problem, Value

CHINESE: Final = {
    "`int`": "整数",
    "`str`": "文字（数字须加引号）",
    "`bool`": "true 或 false",
    "`date`": "日期，如 2025-01-01",
    "`array`": "列表",
    "`object`": "一组字段",
}
_AT: Final = re.compile(r" - at `\$\[(\d+)\]`$|`\$\[(\d+)\]`$")
_BOUND: Final = re.compile(r"(?:of length )?([<>]=) (\d+)$")


def checked(value: Value, shape: type[Shape], problems: list[Problem], at: str = "") -> Shape | None:
    """Return a file or a row of the type.

    None when it has errors; `problems` then has all of them.

    Args:
        value: What stands in the file.
        shape: Type of the file or row.
        problems: Gets every error.
        at: Dotted path of the value; empty for a file.
    """
    found = len(problems)
    if not isinstance(value.content, dict):
        problems.append(value.problem(at, "应为一组字段", "fields are expected"))
        return None
    known = _fields_of(shape)
    under = f"{at}." if at else ""
    meant: set[str] = set()
    for name in (each for each in value.content if each not in known):
        near = difflib.get_close_matches(name, known.keys() - value.content.keys(), 1)
        meant.update(near)
        text = f"no such field; known: {', '.join(near or known)}"
        problems.append(value.content[name].problem(under + name, "没有这个字段", text))
    given: dict[str, Any] = {}
    for name, field in known.items():
        if name in value.content:
            given[name] = _field(field, value.content[name], under + name, problems)
        elif field.required and name not in meant:
            problems.append(value.problem(under + name, "缺少这个字段", "the field is missing"))
    if len(problems) == found:
        problems += _backwards(value.content, given, under)
    if len(problems) > found:
        return None
    filled = shape(**given)
    if isinstance(filled, RuleFile):
        problems += _gaps(filled, value)
    return filled if len(problems) == found else None


@cache
def _fields_of(shape: type[Struct]) -> Mapping[str, FieldInfo]:
    # To find the types of a shape costs more than to check a row by them.
    return {field.name: field for field in fields(shape)}


def _field(field: FieldInfo, value: Value, at: str, problems: list[Problem]) -> object:
    row = row_of(field.type)
    if row is not None and isinstance(value.content, tuple):
        named = ((f"{at}[{id_of(each) or number}]", each) for number, each in enumerate(value.content, 1))
        return tuple(checked(each, row, problems, place) for place, each in named)
    try:
        filled: object = msgspec.convert(value.plain(), field.type)
    except msgspec.ValidationError as error:
        problems.append(_mismatch(field.type, value, at, str(error)))
        return UNSET
    listed = listed_of(field.type)
    if listed is not None:
        problems += _strangers(listed, value, at)
    return filled


def listed_of(kind: Any) -> Listed | None:  # noqa: ANN401 - any type of a field
    """Return the closed list of a field's type, or of its elements' type."""
    if get_origin(kind) is Annotated:
        return next((mark for mark in get_args(kind)[1:] if isinstance(mark, Listed)), listed_of(get_args(kind)[0]))
    return next((found for part in get_args(kind) if (found := listed_of(part)) is not None), None)


def _strangers(listed: Listed, value: Value, at: str) -> Iterator[Problem]:
    for each in value.content if isinstance(value.content, tuple) else (value,):
        text = str(each.content)
        if not listed.has(text):
            near = difflib.get_close_matches(text, list(listed.codes), 1) or sorted(listed.codes)
            zh = f"{text} 不在列表中：{listed.title}"
            yield each.problem(at, zh, f"{text} is not in the list, nearest: {', '.join(near[:8])}")


def _mismatch(kind: object, value: Value, at: str, said: str) -> Problem:
    """Return msgspec's finding as ours, at the line of the element that it names."""
    place = _AT.search(said)
    if place is not None and isinstance(value.content, tuple):
        value = value.content[int(place.group(1) or place.group(2))]
        said = _AT.sub("", said)
    zh = "不符合要求"
    expected = re.match(r"Expected (.+?)(?:, got|$)", said)
    if expected is not None:
        words = expected.group(1)
        zh = "应为" + "或".join(text for name, text in CHINESE.items() if name in words)
        bound = _BOUND.search(words)
        if bound is not None:
            zh += f"，{'长度 ' if 'length' in words else ''}{bound.group(1)} {bound.group(2)}"
        if "regex" in words:
            zh = "写法不对或者是空的"
    elif get_origin(kind) is Literal:
        zh, said = "不在可选值中", f"{said}; allowed: {', '.join(map(str, get_args(kind)))}"
    return value.problem(at, zh, said)


def _backwards(content: dict[str, Value], given: dict[str, Any], under: str) -> Iterator[Problem]:
    first, last = given.get("valid_from"), given.get("valid_until")
    if first is not None and last is not None and last < first:
        yield content["valid_until"].problem(f"{under}valid_until", "失效日早于生效日", "ends before it starts")


def _gaps(file: RuleFile, value: Value) -> Iterator[Problem]:
    content = value.content if isinstance(value.content, dict) else {}
    for gap in file.gaps():
        named = (name for name in (gap.section, *gap.against) if name in content)
        # What the county changed is at fault, not what the package has always had.
        name = next((each for each in named if content[each].file != value.file), gap.section)
        yield content.get(name, value).problem(name, gap.zh, gap.en)
