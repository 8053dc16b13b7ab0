"""警调对接 bridge: passes incidents to intake and returns the results."""
