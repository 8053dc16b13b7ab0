"""Engines, migrations, group commit, kernel tables: the only room that opens a database (design D1)."""
