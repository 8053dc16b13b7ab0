"""Settings of a bridge, beside those of every service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from dispute.codes.settings import DivisionSettings


class BridgeSettings(DivisionSettings):
    """Settings of a bridge; each service subclasses it under its own name."""

    credentials_file: Path | None = Field(
        default=None,
        description="凭证文件 JSON list of {agency, county, key_sha256}, read at start beside the store",
    )
    max_body_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        description="请求体上限 Most bytes of one REST request",
    )
