"""The platform: rooms that know no dispute (docs/architecture.md)."""
