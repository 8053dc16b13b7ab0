"""Outbound: results for the agencies."""
