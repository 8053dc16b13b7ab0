"""Results on their way back to the agency."""
