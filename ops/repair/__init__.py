"""Repairs that the runbook names."""
