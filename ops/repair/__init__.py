"""Repairs that the runbook describes."""
