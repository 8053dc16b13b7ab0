"""Order of steps: from what was told or asked to one unit of work on the register; names no transport."""
