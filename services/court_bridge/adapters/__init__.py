"""The court at the edge: its format, and what of it goes into a hand-off."""
