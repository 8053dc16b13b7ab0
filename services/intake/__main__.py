"""Runs intake.

Run `python -m services.intake`; run `recover` first when its store was restored from a backup.
"""

from __future__ import annotations

from hub.runtime import heap

if __name__ == "__main__":
    heap.rest()  # first: the imports below leave no garbage to collect

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from hub.errors import Fault, Refused
from hub.runtime.logs import configure
from hub.runtime.process import EXIT_FAULT, end, serve
from hub.runtime.settings import load
from services.intake.dry_run.recording import Window
from services.intake.law.rule_changes import RuleReport, report
from services.intake.law.rule_files import RULES_INVALID
from services.intake.settings import IntakeSettings
from services.intake.wiring import NAME, build, recover_store, try_rules

USAGE: Final = "用法 usage: python -m services.intake [recover | rules DIR | dry-run DIR FROM TO]\n"
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2


def main(arguments: Sequence[str]) -> int:
    """Run until SIGTERM or a fault.

    With `recover`, recover a restored store instead; with `rules`, load a county's rules as intake would and write
    what they change as JSON; with `dry-run`, try them on what the store recorded. Returns the exit code.
    """
    match arguments:
        case ["rules", folder]:
            return show_rules(Path(folder))
        case ["dry-run", folder, first, until]:
            return try_folder(Path(folder), first, until)
        case [] | ["recover"]:
            pass
        case _:
            sys.stderr.write(USAGE)
            return EXIT_USAGE
    settings = load(IntakeSettings)
    if arguments:
        configure(NAME, "error", settings.log_format)
        return recover(settings)
    configure(NAME, settings.log_level, settings.log_format)
    try:
        intake = build(settings)
    except Fault as fault:
        if fault.code != RULES_INVALID:
            raise
        sys.stderr.write(f"{fault}\n")
        return EXIT_USAGE
    return serve(intake.parts, grace_s=settings.grace_s)


def show_rules(folder: Path) -> int:
    """Write what a county's folder changes, or its errors.

    One JSON document; it needs no settings. Returns the exit code.
    """
    found = report(folder)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    return EXIT_REFUSED if found.problems else 0


def try_folder(folder: Path, first: str, until: str) -> int:
    """Write what a county's folder would have changed in cases registered in [first, until), or its errors.

    One JSON document on stdout; a line of progress a page on stderr. Returns the exit code: 1 when the folder has
    errors, when a case could not be reproduced, or when the store can't be read.
    """
    try:
        window = Window(date.fromisoformat(first), date.fromisoformat(until))
    except ValueError:
        sys.stderr.write(USAGE)
        return EXIT_USAGE
    settings = load(IntakeSettings)
    configure(NAME, "error", settings.log_format)
    try:
        found = try_rules(settings, folder, window, show_progress)
    except (Refused, Fault) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_REFUSED
    answer = RuleReport("", None, (), found) if isinstance(found, tuple) else found
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    return EXIT_REFUSED if isinstance(answer, RuleReport) or answer.totals.not_reproduced else 0


def show_progress(done: int, total: int) -> None:
    """Write a line of progress for the operator's command."""
    sys.stderr.write(msgspec.json.encode({"done": done, "total": total}).decode() + "\n")
    sys.stderr.flush()


def recover(settings: IntakeSettings) -> int:
    """Recover a restored store from the journal.

    The journal has what the store published after its backup. Returns the exit code.
    """
    try:
        recovered = recover_store(settings)
    except Refused as refused:
        sys.stderr.write(f"{refused.code}: {refused.detail}\n")
        return EXIT_REFUSED
    except Fault as fault:
        sys.stderr.write(f"{fault}\n")
        return EXIT_USAGE if fault.code == RULES_INVALID else EXIT_FAULT
    sys.stdout.write(
        f"从 Kafka 取回 {recovered.records} 条事件（{recovered.streams} 个流），可以启动 / "
        f"{recovered.records} events of {recovered.streams} streams taken back from Kafka; start the service\n"
    )
    return 0


if __name__ == "__main__":
    heap.settle()
    end(lambda: main(sys.argv[1:]))
