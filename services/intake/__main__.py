"""Run intake: `python -m services.intake`."""

from __future__ import annotations

import asyncio
import sys

from hub.runtime.logs import configure
from hub.runtime.process import run
from hub.runtime.settings import load
from services.intake.settings import IntakeSettings
from services.intake.wiring import NAME, build


def main() -> int:
    """Run until SIGTERM or a fault; returns the exit code."""
    settings = load(IntakeSettings)
    configure(NAME, settings.log_level, settings.log_format)

    async def serve() -> int:
        return await run(build(settings).parts, grace_s=settings.grace_s)

    return asyncio.run(serve())


if __name__ == "__main__":
    sys.exit(main())
