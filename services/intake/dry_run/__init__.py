"""Tries other rules on what was recorded, and tells who would be decided differently."""
