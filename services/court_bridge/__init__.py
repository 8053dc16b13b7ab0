"""诉调对接 bridge: passes suits to intake and returns the results."""
