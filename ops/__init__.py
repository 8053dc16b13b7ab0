"""The operator's tools.

They are the `hub` command, the launcher, scenarios, simulated partners, and repairs such as those of dead letters.
"""
