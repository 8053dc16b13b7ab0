"""Loads the rules: the package's files, and a county's folder over them.

All files are accepted together or refused together, with every error of every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints

from msgspec import Meta, Struct

from hub.errors import Fault
from services.intake.law.deadlines import Calendar
from services.intake.law.rule_checks import checked
from services.intake.law.rule_overlay import overlay
from services.intake.law.rule_rows import RuleFile, Text, sections_of
from services.intake.law.rule_text import Problem, Value, parsed
from services.intake.law.rulebook import Rulebook

RULES_DIR: Final = Path(__file__).parent / "rules"
RULES_INVALID: Final = "rules_invalid"
PACKAGE: Final = "package.yaml"
COUNTY: Final = "county.yaml"
PATTERNS: Final = ("*.yaml", "*.yml")
SHAPES: Final[Mapping[str, type[RuleFile]]] = {
    f"{name}.yaml": shape
    for name, shape in get_type_hints(Rulebook).items()
    if isinstance(shape, type) and issubclass(shape, RuleFile)
}
"""File -> its type."""

CountyCode = Annotated[str, Meta(pattern=r"^[1-9]\d{5}$")]


class Package(Struct, frozen=True):
    """Fields of package.yaml."""

    version: Annotated[str, Meta(pattern=r"^rules-[0-9.]{1,14}$")]
    state_of_law: date


class County(Struct, frozen=True):
    """Fields of county.yaml.

    Attributes:
        version: Of the county's rules; changed with them.
        county: Division codes of the counties they are for.
        basis: Document that they rest on.
    """

    version: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=40)]
    county: Annotated[tuple[CountyCode, ...], Meta(min_length=1)]
    basis: Text


class FolderText(Struct, frozen=True):
    """What a county's folder holds.

    Attributes:
        texts: File -> its text.
        unread: What is wrong with the folder itself, and with files that can't be read.
    """

    texts: Mapping[str, str]
    unread: tuple[Problem, ...] = ()


class LoadedRules(Struct, frozen=True):
    """Sound rules.

    Attributes:
        book: The rules.
        package: Head of the package's rules.
        county: Head of the county's folder; None without one.
    """

    book: Rulebook
    package: Package
    county: County | None


NO_FOLDER: Final = FolderText({})


def read_folder(folder: Path | None) -> FolderText:
    """Read the rule files of a county's folder, not yet what they mean."""
    if folder is None:
        return NO_FOLDER
    if not folder.is_dir():
        return FolderText({}, (Problem(folder.name, 0, "", "没有这个目录", f"no such folder: {folder}"),))
    texts: dict[str, str] = {}
    unread: list[Problem] = []
    for path in sorted(path for pattern in PATTERNS for path in folder.glob(pattern)):
        try:
            texts[path.name] = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            unread.append(Problem(path.name, 0, "", "文件无法读取", f"cannot be read: {error}"))
    if COUNTY not in texts and not unread:
        unread.append(Problem(COUNTY, 0, "", "缺少这个文件", "the file is missing"))
    return FolderText(texts, tuple(unread))


def rules_of(county: FolderText, calendar: Calendar) -> LoadedRules | tuple[Problem, ...]:
    """Return the package's rules with a county's over them, or every error.

    Args:
        county: Of the county's folder; `NO_FOLDER` is none.
        calendar: Counts the days of limits.
    """
    problems = list(county.unread)
    own: dict[str, Value] = {}
    for name, text in county.texts.items():
        if name not in SHAPES and name != COUNTY:
            known = ", ".join((COUNTY, *SHAPES))
            problems.append(Problem(name, 0, "", "不是规则文件名", f"no name of a rule file; known: {known}"))
            continue
        value = parsed(text, name, problems)
        if value is not None:
            own[name] = value
    package = checked(_of_package(PACKAGE), Package, problems)
    head = checked(own[COUNTY], County, problems) if COUNTY in own else None
    files: dict[str, Any] = {}
    for name, shape in SHAPES.items():
        merged = overlay(_of_package(name), own.get(name), sections_of(shape), problems)
        files[name.removesuffix(".yaml")] = checked(merged, shape, problems)
    if problems or package is None:
        return tuple(sorted(problems))
    version = package.version if head is None else f"{package.version}+{head.version}"
    return LoadedRules(Rulebook(version=version, calendar=calendar, **files), package, head)


def load_rules(calendar: Calendar, folder: Path | None = None) -> LoadedRules:
    """Load the rules of a folder over the package's.

    Raises:
        Fault: `rules_invalid` with every error, a line each.
    """
    return sound(rules_of(read_folder(folder), calendar))


def sound(found: LoadedRules | tuple[Problem, ...]) -> LoadedRules:
    """Return sound rules.

    Raises:
        Fault: `rules_invalid` with every error, a line each.
    """
    if isinstance(found, LoadedRules):
        return found
    raise Fault(RULES_INVALID, "\n".join(["规则文件有误 rules refused:", *(problem.text() for problem in found)]))


def _of_package(name: str) -> Value:
    problems: list[Problem] = []
    value = parsed((RULES_DIR / name).read_text(encoding="utf-8"), f"rules/{name}", problems)
    if value is None:
        raise Fault(RULES_INVALID, "\n".join(problem.text() for problem in problems))
    return value
