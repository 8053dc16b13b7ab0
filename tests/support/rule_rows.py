"""Changes of a rule file, one field of one row at a time, made from the file's own shape: no case is listed by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct
from msgspec.structs import FieldInfo, asdict, fields

from services.intake.law.matching import MatchingRule
from services.intake.law.rule_rows import Listed, RuleRow, sections_of
from services.intake.law.rule_text import Value

PLANTED = "planted"
LONG_AGO = date(2020, 6, 1)
DAY = timedelta(days=1)
THE_ROW = "(row)"
THE_FILE = "(file)"
NOTES = {*(field.name for field in fields(RuleRow)), "owner"}
"""A row's name, its meaning and who has to act, for people: they decide nothing."""
OWN_NOTES: Mapping[type[RuleRow], frozenset[str]] = {MatchingRule: frozenset({"clause"})}
"""Further fields for people: a link rests on the sum of several reasons, and names those, not their clauses."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One other content of a rule file.

    Attributes:
        row: Section and number of the row, or the file's own fields.
        field: What of the row differs; an element of a set is a field of its own.
        before: Row as it stands.
        after: Row as it is now; empty when it was taken out.
        content: The whole file with it.
    """

    row: str
    field: str
    before: Row
    after: Row
    content: Row

    def values(self, name: str) -> list[Any]:
        """Return what a field was and is; each element of a set."""
        found: list[Any] = []
        for row in (self.before, self.after):
            value = row.get(name)
            found += sorted(value) if isinstance(value, frozenset) else [] if value is None else [value]
        return list(dict.fromkeys(found))

    def days(self, usual: date) -> list[date]:
        """Return the usual day and those around each end of the row's validity."""
        ends = self.values("valid_from") + self.values("valid_until")
        return [usual, *(end + off * DAY for end in ends for off in (-1, 0, 1))]


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        counts: Rows of the file; of those, how many were changed in every field, and how many had every change noticed.
        unnoticed: Fields that may be anything without an answer that differs.
    """

    counts: Mapping[str, int]
    unnoticed: list[str]


def content_of(file: Struct) -> dict[str, Any]:
    """Return the content of a rule file as plain values; sets stay sets."""
    sections = sections_of(type(file))
    return {name: tuple(map(asdict, value)) if name in sections else value for name, value in asdict(file).items()}


def value_of(plain: object, line: int = 1) -> Value:
    """Return a content as the loader has it, as if it stood in a file."""
    if isinstance(plain, Mapping):
        return Value("test.yaml", line, {name: value_of(each) for name, each in plain.items()})
    if isinstance(plain, list | tuple | frozenset):
        return Value("test.yaml", line, tuple(value_of(each) for each in plain))
    assert plain is None or isinstance(plain, str | int | date)
    return Value("test.yaml", line, plain)


def search(
    shape: type[Struct], content: Row, notices: Callable[[Change], bool], rows: Callable[[str], bool] = bool
) -> Found:
    """Change every field of every row in all its ways and ask whether any of them is noticed.

    Args:
        shape: Of the file.
        content: Its content.
        notices: Tells whether an answer differs with a change.
        rows: Which rows to look at.
    """
    names = [name for name in rows_of(shape, content) if rows(name)]
    seen: dict[tuple[str, str], bool] = {}
    for change in changes(shape, content):
        if rows(change.row):
            key = (change.row, change.field)
            seen[key] = seen.get(key, False) or notices(change)
    deaf = [key for key, noticed in seen.items() if not noticed]
    changed = {row for row, _ in seen}
    counts = Counter(rows=len(names), changed=len(changed), noticed=len(changed - {row for row, _ in deaf}))
    return Found(counts, [f"{row} {field}" for row, field in deaf])


def rows_of(shape: type[Struct], content: Row) -> list[str]:
    """Return the names of all rows of a file, its own fields first where it has some."""
    sections = sections_of(shape)
    own = [THE_FILE] if len(sections) < len(fields(shape)) else []
    return [*own, *(f"{name}[{number}]" for name in sections for number in range(len(content[name])))]


def changes(shape: type[Struct], whole: Row) -> Iterator[Change]:
    """Return every change of a file, lazily."""
    sections = sections_of(shape)
    for info in (info for info in fields(shape) if info.name not in sections):
        for field, value in _others(info, whole[info.name]):
            after = {**whole, info.name: value}
            yield Change(THE_FILE, field, whole, after, after)
    for name, row in sections.items():
        for number, before in enumerate(whole[name]):
            place = f"{name}[{number}]"
            above, below = whole[name][:number], whole[name][number + 1 :]
            yield Change(place, THE_ROW, before, {}, {**whole, name: (*above, *below)})
            for info in (info for info in fields(row) if info.name not in NOTES | OWN_NOTES.get(row, set())):
                for changed, value in _others(info, before[info.name]):
                    after = {**before, info.name: value}
                    yield Change(place, changed, before, after, {**whole, name: (*above, after, *below)})


def _others(info: FieldInfo, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any field
    """Return other values that the shape allows, each with the name of what it changes."""
    name = info.name
    if isinstance(value, frozenset):
        others = [each for each in _literals(info.type) or [PLANTED] if each not in value]
        for element in sorted(value):
            rest = value - {element}
            # A set that must not be empty gets another element in place of its last one.
            yield f"{name}: {element}", rest or (frozenset(others[:1]) if info.required else rest)
        if not value:
            yield from ((name, frozenset({each})) for each in others)
    elif literals := _literals(info.type):
        yield from ((name, each) for each in literals if each != value)
    elif isinstance(value, bool):
        yield name, not value
    elif isinstance(value, int):
        yield name, value + 1
    elif value is None:
        yield name, LONG_AGO if date in _types(info.type) else 9
    elif isinstance(value, date):
        yield name, value + DAY
    else:
        yield name, f"{value}{PLANTED}"


def _literals(kind: object) -> list[str]:
    """Return the members of a closed list of codes, none when it is open."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [each.value for each in kind]
    if isinstance(kind, Listed):
        return [*sorted(kind.codes), *([""] if kind.empty else [])]
    return [each for part in get_args(kind) for each in _literals(part)]


def _types(kind: object) -> list[object]:
    """Return the types that a field may have."""
    return [kind, *(each for part in get_args(kind) for each in _types(part))]
