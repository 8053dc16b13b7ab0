"""Benchmarks of the hub.

Each question has a command. The hub is compared with peers that we did not write, and ratios come from one run.
"""
