"""Scenario files, which a demo run plays.

They are validated, expanded by a seed, and summed up independently of the hub.
"""
