"""Settings of stats.

Those of every service, and how often watchers are updated.
"""

from __future__ import annotations

from pydantic import Field

from hub.runtime.settings import ServiceSettings


class StatsSettings(ServiceSettings):
    """Read from the environment by `hub.runtime.settings.load`."""

    watch_coalesce_s: float = Field(
        default=0.1,
        ge=0.0,
        le=0.25,
        description="推送合并间隔 Changes within this time are pushed to a watcher as one; at most 0.25",
    )
