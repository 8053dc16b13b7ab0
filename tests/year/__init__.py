"""A county's year through the hub, and what must hold of it afterwards: `python -m tests.year`."""
