"""Counts figures exactly once from the journal.

Facts, cells and rates are derived data: they can be dropped and rebuilt at any time.
"""
