"""The five services, each with its own reason to be separate (ADR-0001)."""
