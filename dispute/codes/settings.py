"""The setting that all readers of divisions share."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from hub.runtime.settings import ServiceSettings


class DivisionSettings(ServiceSettings):
    """Settings of a service that reads division codes; bridges and intake add their own."""

    divisions_file: Path | None = Field(
        default=None,
        description="本县区划代码表（YAML）County's own division codes: rows beside those of the package, or in their "
        "place; read at start, the same file for every bridge and intake. Unset: only the package's",
    )
