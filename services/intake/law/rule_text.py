"""Reads the YAML text of a rule file and remembers where each value stands."""

from __future__ import annotations

from datetime import date
from typing import Final

import yaml
from msgspec import Struct

Plain = str | int | float | bool | date | None
SCALARS: Final = (str, int, float, bool, date)


class Problem(Struct, frozen=True, order=True):
    """One error of the rule files.

    Attributes:
        file: Name in its folder.
        line: From 1; 0 when the file as a whole is at fault.
        field: Dotted path, rows by their id; empty when no single field is.
        zh: What is wrong, for county staff.
        en: The same in English.
    """

    file: str
    line: int
    field: str
    zh: str
    en: str

    def text(self) -> str:
        """Return the line for people."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field + ': ' if self.field else ''}{self.zh} / {self.en}"


class Value(Struct, frozen=True):
    """One value of a rule file.

    Attributes:
        file: Where it stands.
        line: From 1; of the key, where it has one.
        content: A plain value, or the values inside.
    """

    file: str
    line: int
    content: Plain | tuple[Value, ...] | dict[str, Value]

    def plain(self) -> object:
        """Return the value without its places."""
        if isinstance(self.content, dict):
            return {name: value.plain() for name, value in self.content.items()}
        if isinstance(self.content, tuple):
            return [value.plain() for value in self.content]
        return self.content

    def problem(self, field: str, zh: str, en: str) -> Problem:
        """Return an error at this place."""
        return Problem(self.file, self.line, field, zh, en)


def parsed(text: str, file: str, problems: list[Problem]) -> Value | None:
    """Return the values of a file.

    None when it is no YAML; `problems` then says where.
    """
    found = len(problems)
    try:
        node = yaml.compose(text, yaml.CSafeLoader)
        value = None if node is None else _Reading(file, problems).value(node, node.start_mark.line + 1)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 0 if mark is None else mark.line + 1
        said = str(getattr(error, "problem", None) or error).splitlines()[0]
        problems.append(Problem(file, line, "", "不是合法的 YAML", f"no valid YAML: {said}"))
        return None
    if value is None:
        problems.append(Problem(file, 1, "", "文件是空的", "the file is empty"))
    return value if len(problems) == found else None


class _Reading:
    """Turns the nodes of one file into values."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, line: int) -> Value:
        if id(node) in self._seen:
            self._refuse(line, "", "不支持 YAML 别名", "aliases are not supported")
            return Value(self._file, line, None)
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return Value(self._file, line, self._mapping(node))
        if isinstance(node, yaml.SequenceNode):
            return Value(self._file, line, tuple(self.value(each, each.start_mark.line + 1) for each in node.value))
        return Value(self._file, line, self._scalar(node, line))

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Value]:
        content: dict[str, Value] = {}
        for key, inner in node.value:
            line, name = key.start_mark.line + 1, key.value
            if not isinstance(name, str):
                self._refuse(line, "", "字段名应为文字", "the name of a field is a text")
            elif name in content:
                self._refuse(line, name, "字段重复", f"stands twice, first in line {content[name].line}")
            else:
                content[name] = self.value(inner, line)
        return content

    def _scalar(self, node: yaml.Node, line: int) -> Plain:
        try:
            value: object = yaml.constructor.SafeConstructor().construct_object(node)
        # For a date that does not exist, the YAML reader raises a bare ValueError.
        except (ValueError, yaml.YAMLError) as error:
            self._refuse(line, "", "无法读取的值", f"cannot be read: {str(error).splitlines()[0]}")
            return None
        if value is None or isinstance(value, SCALARS):
            return value
        self._refuse(line, "", "不支持的值类型", f"values of type {type(value).__name__} are not supported")
        return None

    def _refuse(self, line: int, field: str, zh: str, en: str) -> None:
        self._problems.append(Problem(self._file, line, field, zh, en))
