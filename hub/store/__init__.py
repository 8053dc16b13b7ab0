"""The only package that opens a database.

It contains engines, migrations, group commit and the kernel tables.
"""
