"""Shared fixtures, one file per room; loaded by tests/conftest.py."""
