"""Starts, watches and inspects a running hub."""
