"""Shared kernel of the Santiao hub: a closed list of rooms, each with one sentence (docs/architecture.md)."""
