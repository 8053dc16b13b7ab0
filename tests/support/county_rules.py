"""A county's folder of rules, written by a test."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dispute.calendar.working_days import WorkCalendar
from services.intake.law.rule_files import LoadedRules, read_folder, rules_of
from services.intake.law.rule_text import Problem
from services.intake.law.rulebook import Rulebook

CALENDAR: Final = WorkCalendar({})
HEAD: Final = 'version: {version}\ncounty: ["620725"]\nbasis: made up for a test\n'
WEEKS: Final = """terms:
  - id: window_weeks
    zh: 窗口 14 日
    en: two weeks at the window
    kind: mediation
    channel: window
    days: 14
    count: calendar
    clause: "a test"
"""
"""Deadlines with a term of the county's own."""


def write(folder: Path, version: str = "test-1", **files: str) -> Path:
    """Write a county's folder: `deadlines="…"` is the text of deadlines.yaml; the head comes last."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "county.yaml").write_text(HEAD.format(version=version), encoding="utf-8")
    return folder


def book_of(folder: Path) -> Rulebook:
    """Return the rules of a folder that has no error."""
    found = rules_of(read_folder(folder), CALENDAR)
    assert isinstance(found, LoadedRules), problems_of(folder)
    return found.book


def problems_of(folder: Path) -> list[str]:
    """Return the errors of a folder, each as file:line field."""
    found = rules_of(read_folder(folder), CALENDAR)
    assert not isinstance(found, LoadedRules)
    return [place_of(problem) for problem in found]


def place_of(problem: Problem) -> str:
    """Return where an error is."""
    return f"{problem.file}:{problem.line} {problem.field}".rstrip()
