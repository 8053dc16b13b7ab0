"""Simulated partners and mediators: clients of the public interfaces, over the network, with credentials."""
