"""Simulated partners and mediators.

They use the public interfaces over the network, with credentials.
"""
