"""Counts days and working days.

No other package counts them.
"""
