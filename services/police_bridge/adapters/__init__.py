"""The police at the edge: their format, and what of it goes into a hand-off."""
