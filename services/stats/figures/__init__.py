"""Figures: their definitions, the rates made of counts, and how they are told."""
