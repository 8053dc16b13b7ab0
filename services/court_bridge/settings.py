"""Settings of the court bridge."""

from __future__ import annotations

from bridge.settings import BridgeSettings


class CourtBridgeSettings(BridgeSettings):
    """What every bridge reads; the court's own settings come here."""
