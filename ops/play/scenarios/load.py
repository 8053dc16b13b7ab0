"""Reads and validates a scenario file.

Every error names the file, the line and the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ops.console.exits import CommandError, Exit
from ops.play.scenarios.days import TODAY, this_day
from ops.play.scenarios.model import Scenario

Place = tuple[str | int, ...]
Lines = dict[Place, int]


class ScenarioError(CommandError):
    """A scenario file that can't be played.

    The message has one line for each fault.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__(Exit.USAGE, "\n".join(faults))
        self.faults = faults


PLAIN_WORDS: Final = {
    "extra_forbidden": "unknown key",
    "missing": "is required",
    "date_from_datetime_parsing": "expected a date of the calendar, written as 2024-01-31, or today-3",
    "dict_type": "expected keys with values",
    "int_parsing": "expected a whole number",
}
"""Plain texts for pydantic's errors, by type of error."""


def load(path: Path, today: date | None = None) -> Scenario:
    """Read and validate a scenario file.

    Args:
        path: The file.
        today: Day that `today-3` is relative to; the current day of Asia/Shanghai when None.

    Raises:
        ScenarioError: Names file, line and field of every fault.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ScenarioError([f"{path}: can't be read: {why}"]) from error
    return parse(text, str(path), today)


def parse(text: str, source: str, today: date | None = None) -> Scenario:
    """Validate the text of a scenario file.

    Errors name `source`; `today` is as for `load`.

    Raises:
        ScenarioError: Names source, line and field of every fault.
    """
    lines: Lines = {}
    try:
        # BaseLoader keeps every scalar as a string: `0101` is a category here, not an octal number.
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        data = _plain(node, (), lines, source) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ScenarioError([f"{source}:{line}: not YAML: {error.problem}"]) from error
    try:
        return Scenario.model_validate(data, context={TODAY: today or this_day()})
    except ValidationError as error:
        found = error.errors()
        # A list whose items are all faulty is reported as empty too: the faults of its items are enough.
        reported = [one for one in found if one["type"] != "too_short" or not _has_inner(one["loc"], found)]
        words = [PLAIN_WORDS.get(one["type"], one["msg"]) for one in reported]
        faults = [_fault(one["loc"], text, lines) for one, text in zip(reported, words, strict=True)]
        raise ScenarioError([f"{source}:{line}: {text}" for line, text in sorted(faults)]) from error


def _has_inner(place: Place, found: Sequence[ErrorDetails]) -> bool:
    return any(len(one["loc"]) > len(place) and one["loc"][: len(place)] == place for one in found)


def _fault(loc: Place, message: str, lines: Mapping[Place, int]) -> tuple[int, str]:
    """Return a fault's line number and its text.

    The text begins with the field.
    """
    place = tuple(part for part in loc if part != "[key]")
    message = message.removeprefix("Value error, ")
    named, colon, rest = message.partition(": ")
    inner = (*place, *(int(part) if part.isdigit() and not place else part for part in named.split(".")))
    # A check across fields names the field at the start of its text.
    if colon and (not place or inner in lines):
        place, message = inner, rest
    field = ".".join(map(str, place)) or "(file)"
    # Go up to the nearest key that is in the file: a missing key has no line of its own.
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1), f"{field}: {message}"


def _plain(node: yaml.Node, place: Place, lines: Lines, source: str) -> object:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, object] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in found:
                raise ScenarioError([f"{source}:{line}: {'.'.join(map(str, (*place, key)))}: key stands twice"])
            found[key] = _plain(value_node, (*place, key), lines, source)
            lines[*place, key] = line
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), lines, source) for index, item in enumerate(node.value)]
    return node.value if isinstance(node, yaml.ScalarNode) else None
