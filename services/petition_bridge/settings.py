"""Settings of the petition bridge."""

from __future__ import annotations

from bridge.settings import BridgeSettings


class PetitionBridgeSettings(BridgeSettings):
    """What every bridge reads; the petition's own settings come here."""
