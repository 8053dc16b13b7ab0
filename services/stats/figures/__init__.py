"""Figures: their definitions, rates made of counts, and answers."""
