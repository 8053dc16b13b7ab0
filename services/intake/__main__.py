"""Runs intake.

Run `python -m services.intake`; run `recover` first when its store was restored from a backup.
"""

from __future__ import annotations

from hub.runtime import heap

if __name__ == "__main__":
    heap.rest()  # first: the imports below leave no garbage to collect

import sys
from collections.abc import Sequence
from typing import Final

from hub.errors import Fault, Refused
from hub.runtime.logs import configure
from hub.runtime.process import EXIT_FAULT, end, serve
from hub.runtime.settings import load
from services.intake.settings import IntakeSettings
from services.intake.wiring import NAME, build, recover_store

USAGE: Final = "用法 usage: python -m services.intake [recover]\n"
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2


def main(arguments: Sequence[str]) -> int:
    """Run until SIGTERM or a fault.

    With `recover`, recover a restored store instead. Returns the exit code.
    """
    if list(arguments) not in ([], ["recover"]):
        sys.stderr.write(USAGE)
        return EXIT_USAGE
    settings = load(IntakeSettings)
    if arguments:
        configure(NAME, "error", settings.log_format)
        return recover(settings)
    configure(NAME, settings.log_level, settings.log_format)
    return serve(build(settings).parts, grace_s=settings.grace_s)


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
        return EXIT_FAULT
    sys.stdout.write(
        f"从 Kafka 取回 {recovered.records} 条事件（{recovered.streams} 个流），可以启动 / "
        f"{recovered.records} events of {recovered.streams} streams taken back from Kafka; start the service\n"
    )
    return 0


if __name__ == "__main__":
    heap.settle()
    end(lambda: main(sys.argv[1:]))
