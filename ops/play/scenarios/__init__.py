"""Scenario files: what a demo run plays, validated, expanded by a seed, and summed up by their own arithmetic."""
