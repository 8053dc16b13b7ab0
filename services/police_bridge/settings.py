"""Settings of the police bridge."""

from __future__ import annotations

from bridge.settings import BridgeSettings


class PoliceBridgeSettings(BridgeSettings):
    """What every bridge reads; the police's own settings come here."""
