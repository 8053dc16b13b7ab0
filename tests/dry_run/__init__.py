"""A dry run of changed rules beside really running them: `python -m tests.dry_run`."""
