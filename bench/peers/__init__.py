"""Peers that the hub's fold is compared with.

Each runs in a separate environment and prints one JSON line.
"""
