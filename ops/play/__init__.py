"""A county played through the hub: scenarios, simulators, demo, trial."""
