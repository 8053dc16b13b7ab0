"""A running hub: starting it, keeping it up, looking at it."""
