"""Figures counted exactly once from the journal: facts, cells, rates; derived, disposable, rebuilt at any time."""
