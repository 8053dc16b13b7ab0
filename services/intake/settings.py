"""Settings of intake, beside those of every service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from dispute.codes.settings import DivisionSettings


class IntakeSettings(DivisionSettings):
    """Read from the environment by `hub.runtime.settings.load`."""

    timer_every_s: float = Field(
        default=1.0, gt=0, le=60, description="期限检查间隔 How often due deadlines are looked for (wall clock)"
    )
    timer_grace_s: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="期限宽限 How late a deadline rings: what a bridge accepted in time has then arrived (wall clock)",
    )
    calendar_dir: Path | None = Field(
        default=None,
        description="节假日表目录 Folder of holiday tables, a .yaml a year; read without a restart. "
        "Unset: only the years that the package knows",
    )
    calendar_every_s: float = Field(
        default=5.0, gt=0, le=3600, description="节假日表检查间隔 How often the folder of holiday tables is looked at"
    )
    rules_dir: Path | None = Field(
        default=None,
        description="本县规则目录 Folder of the county's rules, laid over the package's (docs/rules.md); read "
        "without a restart. Unset: the package's rules alone",
    )
    rules_every_s: float = Field(
        default=5.0, gt=0, le=3600, description="规则检查间隔 How often the folder of the county's rules is looked at"
    )
