"""Tells what a county's rules change in the package's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dispute.calendar.working_days import WorkCalendar
from services.intake.law.rule_files import (
    NO_FOLDER,
    SHAPES,
    County,
    LoadedRules,
    read_folder,
    rules_of,
    sound,
)
from services.intake.law.rule_rows import RuleFile, sections_of
from services.intake.law.rule_text import Problem
from services.intake.law.rulebook import Rulebook

Kind = Literal["added", "replaced", "taken_away", "value"]


class RuleChange(Struct, frozen=True):
    """One difference from the package's rules.

    Attributes:
        file: Rule file.
        section: Of the row; name of the value when it is none of a section.
        id: Of the row; empty for a value.
        kind: What became of it.
        before: Fields that differ, as the package has them; all of a row that was taken away.
        after: The same as the county has them; all of a row that was added.
    """

    file: str
    section: str
    id: str
    kind: Kind
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class RuleReport(Struct, frozen=True):
    """What loading a county's folder came to.

    Attributes:
        version: Of the whole; empty when there are errors.
        county: Head of the folder; None when there are errors.
        changes: Differences from the package's rules.
        problems: Errors, with their lines.
    """

    version: str
    county: County | None
    changes: tuple[RuleChange, ...]
    problems: tuple[Problem, ...]


def report(folder: Path) -> RuleReport:
    """Load a county's folder as intake does at its start."""
    calendar = WorkCalendar({})
    found = rules_of(read_folder(folder), calendar)
    if not isinstance(found, LoadedRules):
        return RuleReport("", None, (), found)
    return RuleReport(found.book.version, found.county, tuple(changes(default_rules().book, found.book)), ())


def default_rules() -> LoadedRules:
    """Return the package's rules alone."""
    return sound(rules_of(NO_FOLDER, WorkCalendar({})))


def changes(before: Rulebook, after: Rulebook) -> Iterator[RuleChange]:
    """Yield the differences of two rulebooks, file by file, in the order of the rules."""
    for file, shape in SHAPES.items():
        field = file.removesuffix(".yaml")
        yield from _of_file(file, shape, getattr(before, field), getattr(after, field))


def _of_file(file: str, shape: type[RuleFile], before: RuleFile, after: RuleFile) -> Iterator[RuleChange]:
    sections = sections_of(shape)
    was, now = (msgspec.to_builtins(each, order="deterministic") for each in (before, after))
    for name in (each for each in was if each not in sections):
        if was[name] != now[name]:
            yield RuleChange(file, name, "", "value", {name: was[name]}, {name: now[name]})
    for section in sections:
        old, new = ({row["id"]: row for row in part[section]} for part in (was, now))
        for row_id in dict.fromkeys([*new, *old]):
            if old.get(row_id) == new.get(row_id):
                continue
            kind: Kind = "added" if row_id not in old else "taken_away" if row_id not in new else "replaced"
            names = dict.fromkeys([*old.get(row_id, {}), *new.get(row_id, {})])
            one, other = old.get(row_id, {}), new.get(row_id, {})
            differing = [name for name in names if kind != "replaced" or one.get(name) != other.get(name)]
            pair = [{name: row[name] for name in differing if name in row and name != "id"} for row in (one, other)]
            yield RuleChange(file, section, row_id, kind, *pair)


def with_one(before: Rulebook, after: Rulebook, change: RuleChange) -> Rulebook:
    """Return the rules with one change alone.

    Args:
        before: Rules without the change.
        after: Rules with all changes.
        change: Of the two.
    """
    field = change.file.removesuffix(".yaml")
    old, new = getattr(before, field), getattr(after, field)
    if change.kind == "value":
        return replace(before, **{field: replace(old, **{change.section: getattr(new, change.section)})})
    rows, others = list(getattr(old, change.section)), getattr(new, change.section)
    row = next((each for each in others if each.id == change.id), None)
    if row is not None and change.kind == "replaced":
        rows = [row if each.id == change.id else each for each in rows]
    elif row is not None:
        known = {each.id for each in rows}
        following = next((each.id for each in others[others.index(row) :] if each.id in known), None)
        place = next((number for number, each in enumerate(rows) if each.id == following), len(rows))
        rows.insert(place, row)
    else:
        rows = [each for each in rows if each.id != change.id]
    return replace(before, **{field: replace(old, **{change.section: tuple(rows)})})
