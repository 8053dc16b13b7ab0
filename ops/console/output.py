"""Output of every command.

People get text on a console, machines one JSON document on stdout; an error is one line on stderr.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn, TypeVar

import structlog
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hub.errors import Fault, Refused, Retryable
from hub.runtime import stdio
from ops.console.exits import BrokenPromise, CommandError, Exit
from ops.console.interrupts import run

T = TypeVar("T")


WIDE: Final = 110
"""Columns when there is no terminal; wide enough for the table of rates with one line for each channel."""
UNBOUNDED: Final = 10_000
FRAME: Final = 3
"""Width of a column's frame with the space on both sides."""


def keep_stdout_clean() -> None:
    """Send the errors that libraries log to stderr.

    Lower levels are dropped. Stdout is for the command's answer alone.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def printing() -> Iterator[None]:
    """Run the command line with any kind of stdout.

    Characters that the encoding of stdout lacks become `?`. When the reader of stdout has closed it, the command ends
    without a message; when the device is full, one line goes to stderr.

    Raises:
        SystemExit: With the documented code.
    """
    stdio.guard()
    keep_stdout_clean()
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BaseException as error:
        unwritable = _unwritable(error)
        if unwritable is None:
            raise
        stdio.abandon()
        if unwritable.gone:
            sys.exit(int(Exit.CLOSED))
        sys.stderr.write(f"{unwritable}\n")
        sys.exit(int(Exit.DIFFERENCE))


def console() -> Console:
    """Return the console for people.

    Rich prints no colours when stdout is not a terminal.
    """
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def stderr() -> Console:
    """Return the console on stderr.

    It shows errors, and progress when `--json` is used.
    """
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def line_printer() -> Callable[[str], None]:
    """Return a function that prints one line.

    For commands that keep running: a line that can't be written does not stop them.
    """
    shown = console()

    def say(line: str) -> None:
        with suppress(stdio.Unwritable):
            shown.print(line, markup=False, soft_wrap=True)

    return say


def show(table: Table) -> None:
    """Print a table without cutting any cell.

    A cell of one word (an address, a position) stays on one line. When the table is too wide, its headings take two
    lines; if that is not enough, it is printed without its frame; as the last resort each row is a list of lines.
    """
    shown = console()
    natural = Measurement.get(shown, shown.options.update(width=UNBOUNDED), table).maximum
    if natural > shown.width:
        content, count = _narrowest(table), len(table.columns)
        if content + count > shown.width:
            _list(shown, table)
            return
        if content + FRAME * count >= shown.width:
            table.box, table.padding = None, (0, 1, 0, 0)
    shown.print(table)


def _narrowest(table: Table) -> int:
    """Put headings on two lines, Chinese above English.

    Returns the least width that all cells need.
    """
    needed = 0
    for column in table.columns:
        column.header = str(column.header).replace(" ", "\n", 1)
        cells = [Text.from_markup(str(cell)).plain for cell in column.cells]
        column.no_wrap = not any(" " in cell for cell in cells)
        words = [column.header, *cells] if column.no_wrap else " ".join([column.header, *cells]).split()
        needed += max(cell_len(line) for word in words for line in word.split("\n"))
    return needed


def _list(shown: Console, table: Table) -> None:
    if table.title:
        shown.print(table.title, soft_wrap=True)
    heads = [str(column.header).replace("\n", " ") for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        shown.print()
        for head, cell in zip(heads, cells, strict=True):
            shown.print(f"  {head}: {cell}" if head else f"  {cell}", soft_wrap=True)


def document(value: object) -> None:
    """Print one JSON document and nothing else."""
    sys.stdout.write(as_json(value, indent=1) + "\n")
    sys.stdout.flush()


def as_json(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON text.

    It is escaped to ASCII when the encoding of stdout lacks one of its characters.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if stdio.takes(text) else json.dumps(value, indent=indent)


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end.

    Each expected failure becomes an exit code and one clear text.

    Raises:
        SystemExit: With the documented code.
    """
    with failing():
        return run(work)


@contextmanager
def failing() -> Iterator[None]:
    """Turn expected failures into exit codes.

    Each prints one line on stderr. Bugs of our own keep their traceback.
    """
    try:
        yield
    except* (CommandError, BrokenPromise, Refused, Fault, TimeoutError) as group:
        _leave(group)


def _leave(group: BaseExceptionGroup[BaseException]) -> NoReturn:
    first = _first(group)
    code = Exit.DIFFERENCE
    if isinstance(first, CommandError):
        code = first.exit_code
    elif isinstance(first, TimeoutError | Retryable):
        code = Exit.TIMED_OUT
    stderr().print(str(first), style="red", markup=False, soft_wrap=True)
    sys.exit(int(code))


def _unwritable(error: BaseException) -> stdio.Unwritable | None:
    if isinstance(error, stdio.Unwritable):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := _unwritable(one))), None)


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
