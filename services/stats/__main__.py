"""Runs stats, rebuilds it, or prints its definitions."""

from __future__ import annotations

from hub.runtime import heap

if __name__ == "__main__":
    heap.rest()  # first: the imports below leave no garbage to collect

import socket
import sys
from collections.abc import Sequence
from typing import Final

from hub.runtime.logs import configure
from hub.runtime.process import end, serve
from hub.runtime.settings import load
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.store.waits import UPKEEP
from services.stats.facts.books import forget
from services.stats.figures.page import figures_page
from services.stats.settings import StatsSettings
from services.stats.wiring import NAME, VERSIONS, build

USAGE: Final = "用法 usage: python -m services.stats [rebuild|figures]\n"
EXIT_USAGE: Final = 2
EXIT_RUNNING: Final = 75
PROBE_S: Final = 1.0


def main(arguments: Sequence[str]) -> int:
    """Run the service or a command.

    `rebuild` drops the figures, `figures` prints docs/figures.md. Returns the exit code.
    """
    if list(arguments) == ["figures"]:
        sys.stdout.write(figures_page())
        return 0
    if list(arguments) not in ([], ["rebuild"]):
        sys.stderr.write(USAGE)
        return EXIT_USAGE
    settings = load(StatsSettings)
    configure(NAME, settings.log_level, settings.log_format)
    if arguments:
        return rebuild(settings)
    return serve(build(settings).parts, grace_s=settings.grace_s)


def rebuild(settings: StatsSettings) -> int:
    """Drop all figures.

    Facts, cells and the position in the journal: the next start folds everything again from position 0.
    """
    if _listens(settings.host, settings.grpc_port):
        sys.stderr.write("stats 正在运行，请先停止 / stats is running: stop it first\n")
        return EXIT_RUNNING
    store = Store(settings.store_url, UPKEEP)
    try:
        migrate(store, VERSIONS)
        store.write_blocking(forget)
    finally:
        store.close()
    sys.stdout.write("已清空，下次启动从头重算 / dropped: the next start folds the journal from position 0\n")
    return 0


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=PROBE_S):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    heap.settle()
    end(lambda: main(sys.argv[1:]))
