"""Writes the generated part of docs/rules.md: every rule of the package."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from msgspec.structs import fields

from services.intake.law.rule_changes import default_rules
from services.intake.law.rule_files import SHAPES
from services.intake.law.rule_rows import RuleFile, RuleRow, heading_of, sections_of

EMPTY: Final[tuple[object, ...]] = ("", None, frozenset())
COLUMNS: Final = ("id", "含义 meaning", "条款 clause", "收件日起 since", "至 until", "内容 content")


def tables() -> str:
    """Return the rules as tables, file by file."""
    loaded = default_rules()
    package = loaded.package
    files = (
        f"\n## {name}\n{''.join(_file(shape, getattr(loaded.book, name.removesuffix('.yaml'))))}"
        for name, shape in SHAPES.items()
    )
    return (
        f"规则包 package: `{package.version}`，法律状态截至 state of the law {package.state_of_law}\n{''.join(files)}"
    )


def _file(shape: type[RuleFile], rules: RuleFile) -> Iterator[str]:
    sections = sections_of(shape)
    infos = {info.name: info for info in fields(shape)}
    values = [name for name in infos if name not in sections]
    if values:
        yield "\n| 值 value | 含义 meaning | |\n|---|---|---|\n"
    for name in values:
        yield f"| `{name}` | {heading_of(infos[name].type)} | {_shown(getattr(rules, name))} |\n"
    for name, row in sections.items():
        yield f"\n### {name}\n\n{heading_of(infos[name].type)}。字段 fields: {_fields(row)}\n\n"
        yield f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
        yield from (_row(each) for each in getattr(rules, name))


def _fields(row: type[RuleRow]) -> str:
    return ", ".join(f"`{info.name}`{'' if info.required else '（可空 optional）'}" for info in fields(row))


def _row(row: RuleRow) -> str:
    apart = {"id", "zh", "en", "clause", "valid_from", "valid_until"}
    shown = ((info, getattr(row, info.name)) for info in fields(row) if info.name not in apart)
    content = " · ".join(
        f"{info.name} {_shown(value)}" for info, value in shown if value not in EMPTY and value != info.default
    )
    since, until = (_shown(getattr(row, name, None)) or "–" for name in ("valid_from", "valid_until"))
    cells = (f"`{row.id}`", f"{row.zh}<br>{row.en}", getattr(row, "clause", "–"), since, until, content)
    return f"| {' | '.join(cells)} |\n"


def _shown(value: Any) -> str:  # noqa: ANN401 - any value of a rule
    if isinstance(value, frozenset):
        return ", ".join(f"`{each}`" for each in sorted(value))
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)
