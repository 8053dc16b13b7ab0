"""Lays a county's rule file over the package's.

A value replaces the package's value. A row whose id the package has replaces that row in its place; a row with another
id stands before the package's rows. `without` takes rows of the package away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from msgspec.structs import replace

from services.intake.law.rule_text import Problem, Value

WITHOUT: Final = "without"


def overlay(defaults: Value, county: Value | None, sections: Collection[str], problems: list[Problem]) -> Value:
    """Return a file of the package with a county's file over it.

    Args:
        defaults: The package's file.
        county: The county's file of the same name; None when it has none.
        sections: Fields that have rows.
        problems: Gets what can't be laid over.
    """
    for file in (defaults, county):
        for section in sections:
            problems += _repeated(section, _rows(file, section))
    if county is None:
        return defaults
    own = _fields(county)
    if own is None:
        problems.append(county.problem("", "应为一组字段", "a file has fields"))
        return defaults
    content = dict(_fields(defaults) or {})
    asked = own.pop(WITHOUT, None)
    gone = _taken_away(asked, defaults, county, sections, problems)
    for name, value in own.items():
        content[name] = _laid_over(content[name], value) if name in sections and name in content else value
    for section, ids in gone.items():
        rows = content[section]
        if isinstance(rows.content, tuple):
            kept = tuple(row for row in rows.content if row.file != defaults.file or id_of(row) not in ids)
            # What the section then lacks is an error of the county's file, at the line that took it away.
            place = asked.content[section] if asked is not None and isinstance(asked.content, dict) else rows
            content[section] = replace(place, content=kept)
    return replace(defaults, content=content)


def id_of(row: Value) -> str:
    """Return the id of a row; empty when it has none."""
    value = row.content.get("id") if isinstance(row.content, dict) else None
    return value.content if value is not None and isinstance(value.content, str) else ""


def _laid_over(defaults: Value, own: Value) -> Value:
    if not isinstance(defaults.content, tuple) or not isinstance(own.content, tuple):
        return own
    known = {id_of(row) for row in defaults.content}
    instead = {id_of(row): row for row in own.content if id_of(row)}
    new = [row for row in own.content if id_of(row) not in known or not id_of(row)]
    return replace(own, content=(*new, *(instead.get(id_of(row), row) for row in defaults.content)))


def _taken_away(
    asked: Value | None, defaults: Value, county: Value, sections: Collection[str], problems: list[Problem]
) -> dict[str, set[str]]:
    """Return the ids that `without` names, by section."""
    gone: dict[str, set[str]] = {}
    if asked is None:
        return gone
    if not isinstance(asked.content, dict):
        problems.append(asked.problem(WITHOUT, "应为 {分区: [id]}", "is {section: [ids]}"))
        return gone
    for name, ids in asked.content.items():
        field = f"{WITHOUT}.{name}"
        if name not in sections:
            problems.append(ids.problem(field, "没有这个分区", f"no such section; there are {', '.join(sections)}"))
            continue
        if not isinstance(ids.content, tuple):
            problems.append(ids.problem(field, "应为 id 列表", "is a list of ids"))
            continue
        known, replaced = ({id_of(row) for row in _rows(file, name)} for file in (defaults, county))
        taken = gone.setdefault(name, set())
        for each in ids.content:
            shown = str(each.content)
            if shown not in known:
                problems.append(each.problem(field, f"规则包没有行 {shown}", f"the package has no row {shown}"))
            elif shown in taken:
                problems.append(each.problem(field, f"{shown} 重复", f"{shown} stands twice"))
            elif shown in replaced:
                text = f"{shown} is taken away and replaced at once"
                problems.append(each.problem(field, f"{shown} 既被去除又被替换", text))
            else:
                taken.add(shown)
    return gone


def _repeated(section: str, rows: Iterable[Value]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for row in rows:
        name = id_of(row)
        if name in first:
            yield row.problem(f"{section}[{name}]", "id 重复", f"the id stands in line {first[name]} too")
        elif name:
            first[name] = row.line


def _rows(file: Value | None, section: str) -> tuple[Value, ...]:
    value = (_fields(file) or {}).get(section) if file is not None else None
    return value.content if value is not None and isinstance(value.content, tuple) else ()


def _fields(file: Value) -> dict[str, Value] | None:
    return dict(file.content) if isinstance(file.content, dict) else None
