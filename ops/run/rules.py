"""`hub rules check` tries a county's rules before they are put in force.

Intake itself loads them, as it would at its start.
"""

from __future__ import annotations

import json as json_text
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from ops.console import output
from ops.console.exits import CommandError, Exit

CHECK_S: Final = 60.0
RULES: Final = "rules"
"""Folder of the county's rules in a run folder; intake reads it when it has a head at the start."""
HEAD: Final = "county.yaml"
KINDS: Final = {
    "added": "增加 added",
    "replaced": "替换 replaced",
    "taken_away": "去除 taken away",
    "value": "改值 value",
}
SIDES: Final = ("before", "after")
EMPTY: Final[tuple[object, ...]] = (None, "", [])
"""Values of a field that nobody filled in."""
COLUMNS: Final = ("文件 file", "分区 section", "行 row", "变化 change", "字段 field", "原值 package", "新值 county")

app = typer.Typer(
    name="rules",
    help="本县规则 A county's rules: try a folder before intake reads it (docs/rules.md).",
    no_args_is_help=True,
    add_completion=False,
)
Json = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档 one JSON document on stdout and nothing else")]


@app.callback()
def rules() -> None:
    """本县规则 A county's rules."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="规则目录 folder of the county's rules")], *, json: Json = False
) -> None:
    """检查 Load a county's rules over the package's; show what they change, or every error with file and line."""
    with output.failing():
        found = loaded(folder)
    if json:
        output.document(found)
    elif found["problems"]:
        for problem in found["problems"]:
            output.stderr().print(line_of(folder, problem), style="red", markup=False, soft_wrap=True)
    else:
        show(found)
    if found["problems"]:
        raise typer.Exit(int(Exit.DIFFERENCE))


def loaded(folder: Path) -> Any:  # noqa: ANN401 - JSON
    """Have intake load a folder.

    Raises:
        CommandError: Intake can't be run here, or does not end.
    """
    command = [sys.executable, "-m", "services.intake", "rules", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, capture_output=True, check=False, timeout=CHECK_S
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(Exit.TIMED_OUT, f"intake: {CHECK_S:g} s") from error
    try:
        return json_text.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CommandError(Exit.DIFFERENCE, f"intake: {said[-1] if said else done.returncode}") from error


def settings_of(run_folder: Path) -> dict[str, str]:
    """Return intake's setting for the rules of a run; empty when it has none."""
    folder = run_folder / RULES
    return {"HUB_RULES_DIR": str(folder)} if (folder / HEAD).is_file() else {}


def state_of(run_folder: Path) -> str:
    """Tell which rules a run has.

    Raises:
        CommandError: They are faulty; it names the first error.
    """
    if not settings_of(run_folder):
        return "只用规则包 the package's rules alone"
    found = loaded(run_folder / RULES)
    if found["problems"]:
        raise CommandError(Exit.DIFFERENCE, line_of(run_folder / RULES, found["problems"][0]))
    return str(found["version"])


def line_of(folder: Path, problem: Any) -> str:  # noqa: ANN401 - JSON
    """Return an error as one line, its place first."""
    place = str(folder / problem["file"]) + (f":{problem['line']}" if problem["line"] else "")
    field = f"{problem['field']}: " if problem["field"] else ""
    return f"{place}: {field}{problem['zh']} / {problem['en']}"


def show(found: Any) -> None:  # noqa: ANN401 - JSON
    """Print the version and a table of what differs from the package's rules."""
    county, console = found["county"], output.console()
    head = f"版本 version: {found['version']}"
    if county is not None:
        head += f"\n区划 county: {', '.join(county['county'])}\n依据 basis: {county['basis']}"
    console.print(head, markup=False)
    if not found["changes"]:
        console.print("与规则包没有差别 no difference from the package's rules")
        return
    table = Table()
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for change in found["changes"]:
        for cells in rows_of(change):
            table.add_row(*map(escape, cells))
    output.show(table)


def rows_of(change: Any) -> list[tuple[str, ...]]:  # noqa: ANN401 - JSON
    """Return a change as rows of the table, one for each field; the place stands in the first."""
    place = (change["file"], change["section"], change["id"] or "-", KINDS[change["kind"]])
    names = [
        name
        for name in dict.fromkeys([*change["before"], *change["after"]])
        if any(change[side].get(name) not in EMPTY for side in SIDES)
    ]
    return [
        (*(place if number == 0 else ("",) * len(place)), name, *(_shown(change[side], name) for side in SIDES))
        for number, name in enumerate(names)
    ]


def _shown(row: Any, name: str) -> str:  # noqa: ANN401 - JSON
    if name not in row:
        return "-"
    value = row[name]
    return ", ".join(map(str, value)) if isinstance(value, list) else "-" if value in EMPTY else str(value)
