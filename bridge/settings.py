"""Settings of a bridge, beside those of every service."""

from __future__ import annotations

from pydantic import Field

from dispute.codes.settings import DivisionSettings


class BridgeSettings(DivisionSettings):
    """Settings of a bridge; each service subclasses it under its own name."""

    max_body_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="请求体上限 Most bytes of one REST request",
    )
