"""Settings of intake: what every service reads, its worker's name, and how the alarm clock runs."""

from __future__ import annotations

from pydantic import Field

from hub.runtime.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """Read from the environment by `hub.runtime.settings.load`."""

    worker: str = Field(
        default="intake-1",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="工作进程名 Name of this worker; each worker on one PostgreSQL store has its own",
    )
    timer_every_s: float = Field(
        default=1.0, gt=0, le=60, description="期限检查间隔 How often due deadlines are looked for (wall clock)"
    )
    timer_grace_s: float = Field(
        default=60.0,
        ge=0,
        le=3600,
        description="期限宽限 How late a deadline rings: what a bridge accepted in time has then arrived (wall clock)",
    )
