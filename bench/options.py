"""The common command line and screen of benchmarks.

The screen shows progress and tables on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ops.console.output import WIDE


@dataclass(frozen=True, slots=True)
class Options:
    """The common options of all benchmarks.

    Attributes:
        rounds: Measurements of each contender.
        quick: Use small amounts, to see that it works; the figures mean nothing.
        save: Publish the result under docs/results.
        json: Print nothing but the JSON line: no progress, no table.
        folder: Run folder to use and to keep; None takes one under .run/bench and removes it.
    """

    rounds: int
    quick: bool
    save: bool
    json: bool
    folder: Path | None


def command(name: str, description: str, *, rounds: int) -> argparse.ArgumentParser:
    """Return a parser with the common options.

    A benchmark adds its own options.

    Args:
        name: Module under bench, for example `fold`.
        description: One sentence for `--help`.
        rounds: Default of `--rounds`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=description)
    parser.add_argument(
        "--rounds", type=_positive, default=None, help=f"measurements of each (default {rounds}; 1 with --quick)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small amounts: shows that it works, gives no figures to quote"
    )
    parser.add_argument(
        "--save", action="store_true", help="write docs/results too, where the pages take their tables from"
    )
    parser.add_argument("--json", action="store_true", help="only the JSON line on stdout, nothing on stderr")
    parser.add_argument("--folder", type=Path, help="run folder to use and to keep")
    parser.set_defaults(default_rounds=rounds)
    return parser


def common(given: argparse.Namespace) -> Options:
    """Return the parsed common options."""
    rounds = given.rounds or (1 if given.quick else given.default_rounds)
    return Options(rounds, given.quick, given.save, given.json, given.folder)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


class Screen:
    """Prints progress and tables on stderr.

    It is silent with `--json`.
    """

    def __init__(self, options: Options) -> None:
        self.console = Console(stderr=True, quiet=options.json, width=None if sys.stderr.isatty() else WIDE)

    def say(self, text: str) -> None:
        """Print a line of progress."""
        self.console.print(text, highlight=False, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table.

        The first column is aligned left, the others right.
        """
        table = Table(title=title, title_justify="left")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)
